"""Reads what Whisper writes of a long recording while it is still writing: the tokens of the windows that are done."""

from collections.abc import Callable
from typing import Any

import torch

_STEP_FRAMES = 2
"""A time token counts steps of 20 ms, ``generate`` counts frames of 10 ms."""


class WrittenWindows:
    """Collects the tokens of one recording, and passes them to ``tell`` after each window but the last.

    It never stops the model: as a criterion it is shown the tokens of the current window as they are written.
    ``first_time`` is the first token that is a time.
    """

    def __init__(self, first_time: int, tell: Callable[[list[int]], None]) -> None:
        self._first_time = first_time
        self._tell = tell
        self._done: list[int] = []
        self._window: list[int] = []
        self._prompt_size: int | None = None
        self._seek = 0

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Note what is written; ``input_ids`` begins with the prompt of the window."""
        if self._prompt_size is None:
            self._prompt_size = input_ids.shape[-1] - 1
        self._window = input_ids[0, self._prompt_size :].tolist()
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

    def next_window(self, progress: Any) -> None:
        """A window begins; ``progress`` has the frame at which it does, and the number of frames of the recording."""
        seek = int(progress[0, 0])
        if self._window:
            self._done += self._window[: self._kept(seek - self._seek)]
            self._tell(self._done)
        self._window, self._prompt_size, self._seek = [], None, seek

    def _kept(self, moved: int) -> int:
        """How many tokens of a window are kept, after which the next begins ``moved`` frames later.

        Where it begins at a time that was written between two segments, what was written after that is heard again.
        """
        ends = [
            index + 1 for index, token in enumerate(self._window) if (token - self._first_time) * _STEP_FRAMES == moved
        ]
        return ends[0] if ends else len(self._window)

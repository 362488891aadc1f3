"""What ``talk`` shows: what is said on both sides as it is said, and on a terminal the level of the microphone."""

import shutil
import sys
from typing import TextIO

BAR = 12
"""Characters of the level's bar."""

CLEAR_LINE = "\r\x1b[2K"


class Terminal:
    """Prints a conversation to ``stream``; a line that changes is shown on a terminal only."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._answering = False
        self._hearing = ""

    def level(self, loudness: float) -> None:
        """Show how loud the microphone is, from 0 to 1, and what the user says so far."""
        if not self._is_terminal or self._answering:
            return
        bar = "#" * round(loudness * BAR)
        room = max(0, shutil.get_terminal_size().columns - BAR - 4)
        said = self._hearing[-room:] if room else ""
        self._write(f"{CLEAR_LINE}[{bar:<{BAR}}] {said}")

    def heard(self, text: str, *, final: bool) -> None:
        """Show what the user says: all of it so far."""
        if not final:
            self._hearing = text
            return
        self._hearing = ""
        self._line(f"you:    {text}")

    def answer(self, delta: str) -> None:
        """Show more of the answer's text."""
        if not self._answering:
            self._begin("answer: ")
            self._answering = True
        self._write(delta)

    def answered(self, first_audio_ms: int | None, *, interrupted: bool) -> None:
        """End the answer, with the time from the end of the turn to its first sound."""
        notes = ["interrupted"] if interrupted else []
        if first_audio_ms is not None:
            notes.append(f"first sound {first_audio_ms} ms after the turn")
        if self._answering or notes:
            self._line(f"        ({', '.join(notes)})" if notes else "")

    def failure(self, message: str) -> None:
        """Show what went wrong."""
        self._line(f"error:  {' '.join(message.split())}")

    def close(self) -> None:
        """End a line that is open."""
        if self._answering or self._is_terminal:
            self._write("\n")

    def _begin(self, text: str) -> None:
        self._write(f"{CLEAR_LINE}{text}" if self._is_terminal else text)

    def _line(self, text: str) -> None:
        """A line of its own, after that of an answer."""
        if self._answering:
            self._write("\n")
            self._answering = False
        if text:
            self._begin(f"{text}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

"""What the gateway plays in a call: the audio of answers, one after the other, in frames of 20 ms."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Literal

from gateway.audio.resample import Resampler
from gateway.realtime.hearing.audio_format import AudioFormat

RATE = 24_000
"""Hz of the frames."""

FRAME_SECONDS = 0.02
FRAME_BYTES = round(RATE * FRAME_SECONDS) * 2

Change = Literal["started", "stopped", "cleared"]
"""What happened to the audio of an answer: its first frame was taken, its last one was, or it was thrown away."""


class _Answer:
    """The audio of one answer that waits."""

    def __init__(self, response_id: str, audio_format: AudioFormat) -> None:
        self.response_id = response_id
        self.audio = bytearray()
        self.is_started = self.is_complete = False
        self._format = audio_format
        self._resampler = Resampler(audio_format.rate, RATE)

    def add(self, data: bytes) -> None:
        self.audio += self._resampler.feed(self._format.decode(data))

    def complete(self) -> None:
        self.audio += self._resampler.finish()
        self.audio += bytes(-len(self.audio) % FRAME_BYTES)
        self.is_complete = True


class Playout:
    """The queue of audio in a call; ``tell`` is called with what happens to the audio of an answer, and its id.

    ``begin`` an answer, ``add`` its audio in the format of the answer, ``complete`` it and ``forget`` it at its end.
    """

    def __init__(self, tell: Callable[[Change, str], None]) -> None:
        self._tell = tell
        self._formats: dict[str, AudioFormat | None] = {}  # None: the rest of this answer is not played
        self._waiting: deque[_Answer] = deque()
        self._news = asyncio.Event()

    def begin(self, response_id: str, audio_format: AudioFormat) -> None:
        """An answer begins, whose audio comes in ``audio_format``."""
        self._formats[response_id] = audio_format

    def add(self, response_id: str, data: bytes) -> None:
        """The next audio of an answer."""
        audio_format = self._formats.get(response_id)
        if audio_format is None:
            return
        if not self._waiting or self._waiting[-1].response_id != response_id or self._waiting[-1].is_complete:
            self.complete(None)
            self._waiting.append(_Answer(response_id, audio_format))
        self._waiting[-1].add(data)
        self._news.set()

    def complete(self, response_id: str | None) -> None:
        """All audio of the answer was added; ``None``: of the last one, whichever it is."""
        for answer in self._waiting:
            if not answer.is_complete and response_id in (None, answer.response_id):
                answer.complete()
        self._news.set()

    def forget(self, response_id: str) -> None:
        """The answer is over; what waits of it is played."""
        self.complete(response_id)
        self._formats.pop(response_id, None)

    def clear(self) -> None:
        """Throw away what waits, and what is still to come of the answers that run."""
        self._formats = dict.fromkeys(self._formats)
        waiting, self._waiting = self._waiting, deque()
        for answer in waiting:
            if answer.is_started:
                self._tell("cleared", answer.response_id)

    def frame(self) -> bytes | None:
        """The next 20 ms (s16le mono at 24 kHz); ``None`` where there is nothing to play now."""
        while self._waiting:
            answer = self._waiting[0]
            if len(answer.audio) >= FRAME_BYTES:
                if not answer.is_started:
                    answer.is_started = True
                    self._tell("started", answer.response_id)
                frame = bytes(answer.audio[:FRAME_BYTES])
                del answer.audio[:FRAME_BYTES]
                return frame
            if not answer.is_complete:
                return None
            self._waiting.popleft()
            if answer.is_started:
                self._tell("stopped", answer.response_id)
        return None

    async def news(self, seconds: float) -> None:
        """Wait until audio was added, but no longer than ``seconds``."""
        self._news.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

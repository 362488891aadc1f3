"""A microphone for the drivers of realtime clients: silence without end at the pace of real time, and a question."""

import asyncio
import wave
from collections.abc import AsyncGenerator
from typing import IO

RATE = 24_000
FRAME = RATE // 50 * 2
"""Bytes of a frame of 20 ms."""

SECOND_ANSWER = "Hello there. How are you?"
"""What the gateway of these tests answers once it was asked twice; the first answer is long and is interrupted."""


class Microphone:
    """Frames of 20 ms, PCM s16le mono of 24 kHz. ``recording`` is a WAV file of that form."""

    def __init__(self, recording: str | IO[bytes]) -> None:
        with wave.open(recording) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2), file.getparams()
            self._question = file.readframes(file.getnframes())
        self._to_say = b""

    def ask(self) -> None:
        """Say the question from the next frame on."""
        self._to_say = self._question

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """What is heard, for ever."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            frame, self._to_say = self._to_say[:FRAME], self._to_say[FRAME:]
            yield frame.ljust(FRAME, b"\0")
            due += 0.02
            await asyncio.sleep(max(0.0, due - loop.time()))


class Observed:
    """What a client was seen to do, as the checks of the tests."""

    def __init__(self) -> None:
        self.cities: list[str] = []
        self.sound = 0
        self.interruptions = 0
        self.transcript = ""
        self.errors: list[str] = []
        self.heard: list[str] = []

    def checks(self) -> dict[str, str]:
        """By name of the check ``ok``, or what was seen instead."""
        seen = {
            "calls its tool": (self.cities == ["Oslo"], self.cities),
            "is interrupted": (self.interruptions > 0, self.interruptions),
            "answers again": (self.transcript.strip() == SECOND_ANSWER, self.transcript),
            "plays sound": (self.sound > RATE, self.sound),
            "knows what was asked": (self.heard[:2] == ["what did you say"] * 2, self.heard),
            "meets no error": (not self.errors, self.errors),
        }
        return {name: "ok" if good else repr(found) for name, (good, found) in seen.items()}

"""A recording that is being recognised window by window."""

from typing import Any

import numpy as np

from adapters.contract import stt
from adapters.stt.recognition import SAMPLE_RATE, RecognitionRequest, RecognitionResult

FRAMES_PER_SECOND = 100
FULL_WINDOW = 30 * FRAMES_PER_SECOND
"""What Whisper was trained on."""

_STEP = 5 * FRAMES_PER_SECOND
_MARGIN = FRAMES_PER_SECOND
_LEAST_FRAMES = 10  # in less than a tenth of a second there is no word
_SAMPLES_PER_FRAME = SAMPLE_RATE // FRAMES_PER_SECOND


class Recording:
    """Where recognition stands in one recording: ``seek`` is the first frame that was not recognised yet.

    ``is_timed`` says whether the model writes times: they say where the next window begins.
    """

    def __init__(self, request: RecognitionRequest, prompt: list[int]) -> None:
        self.request = request
        self.prompt = prompt
        self.language = request.language
        self.seek = 0
        self.last_speech = 0.0
        self.segments: list[dict[str, Any]] = []
        self._samples = np.frombuffer(request.pcm[: len(request.pcm) // 2 * 2], "<i2")
        self._frames = len(self._samples) // _SAMPLES_PER_FRAME
        self._longest = FULL_WINDOW
        self.is_timed = request.word_times or request.segment_times or self.is_long

    @property
    def is_done(self) -> bool:
        """Whether all of it was recognised."""
        return self._frames - self.seek < _LEAST_FRAMES

    @property
    def is_long(self) -> bool:
        """Whether it needs more than one window."""
        return self._frames > FULL_WINDOW

    @property
    def size(self) -> int:
        """Frames of the current window that hold sound."""
        return min(self._longest, self._frames - self.seek)

    def window(self, *, short: bool) -> int:
        """Frames of the current window with its padding; the encoder's time grows with them.

        With ``short`` they follow the sound, in steps of 5 s and with a second of silence: less makes more errors.
        """
        if not short:
            return FULL_WINDOW
        return min(FULL_WINDOW, -(-(self.size + _MARGIN) // _STEP) * _STEP)

    @property
    def is_divisible(self) -> bool:
        """Whether there may be more in the current window than a model can write: nobody says so much in a second."""
        return self.size > FRAMES_PER_SECOND

    def divide(self) -> None:
        """Have the current window heard again, in parts: as times divide it, or, where they did not, in halves."""
        if self.is_timed:
            self._longest = self.size // 2
        self.is_timed = True

    def move(self, frames: int) -> None:
        """Go on to the next window, which is a long one again."""
        self.seek += frames
        if frames:
            self._longest = FULL_WINDOW

    def samples(self) -> Any:
        """The sound of the current window, mono, -1 to 1."""
        first = self.seek * _SAMPLES_PER_FRAME
        return self._samples[first : first + self.size * _SAMPLES_PER_FRAME].astype(np.float32) / 32768

    def text(self) -> str:
        """What was recognised until now."""
        return " ".join("".join(segment["text"] for segment in self.segments).split())

    def result(self) -> RecognitionResult:
        """What was recognised, with the times that were asked for."""
        words = [word for segment in self.segments for word in segment.get("words", ())]
        timed = [self._segment(segment) for segment in self.segments] if self.request.segment_times else []
        return RecognitionResult(
            text=self.text(),
            words=tuple(self._word(word) for word in words if word["word"].strip()) if self.request.word_times else (),
            segments=tuple(timed),
            language=self.language,
        )

    def _word(self, word: dict[str, Any]) -> stt.Word:
        start, end = self._within(word["start"], word["end"])
        return stt.Word(text=word["word"].strip(), start=start, end=end)

    def _segment(self, segment: dict[str, Any]) -> stt.Segment:
        decoded = segment["decoded"]
        start, end = self._within(segment["start"], segment["end"])
        return stt.Segment(
            text=" ".join(segment["text"].split()),
            start=start,
            end=end,
            tokens=tuple(segment["tokens"]),
            temperature=decoded.temperature,
            avg_logprob=decoded.avg_logprob,
            compression_ratio=decoded.compression_ratio,
            no_speech_prob=decoded.no_speech_prob,
        )

    def _within(self, start: float, end: float) -> tuple[float, float]:
        """Times within the recording: those of the model may be in the padding."""
        first = min(float(start), self.request.seconds)
        return round(first, 2), round(max(first, min(float(end), self.request.seconds)), 2)

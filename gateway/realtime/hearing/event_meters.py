"""Measures voice activity with an engine that only tells starts and stops: speech is certain between them."""

from collections.abc import Sequence

from adapters.contract import vad
from gateway.realtime.hearing.window_resampler import WINDOW_MS


class EventMeters:
    """The engine as ``vad.Metering``; a pause is known as late as the engine tells its stop."""

    window_seconds = WINDOW_MS / 1000

    def __init__(self, engine: vad.VoiceActivity) -> None:
        self._engine = engine
        self._size = engine.sample_rate * WINDOW_MS // 1000 * 2

    def meter(self) -> "EventMeter":
        """The state of one stream."""
        return EventMeter(self._engine.detector())

    def measure(self, blocks: Sequence[tuple[vad.Meter, bytes]]) -> list[list[float]]:
        """One or nought for each window; blocks must be whole windows."""
        return [
            [meter.feed(pcm[start : start + self._size]) for start in range(0, len(pcm), self._size)]
            for meter, pcm in blocks
            if isinstance(meter, EventMeter)
        ]


class EventMeter:
    """One stream and its detector."""

    def __init__(self, detector: vad.Detector) -> None:
        self._detector = detector
        self._is_speech = False

    def feed(self, pcm: bytes) -> float:
        """Whether there was speech in the next audio."""
        events = self._detector.feed(pcm)
        had_speech = self._is_speech or any(isinstance(event, vad.SpeechStarted) for event in events)
        if events:
            self._is_speech = isinstance(events[-1], vad.SpeechStarted)
        return float(had_speech and (self._is_speech or not events))

"""Tells where a voice starts, pauses and goes on and a turn ends, from the probability of speech in windows; no I/O.

One tracker for each session; ``window`` takes the next probability and says what it changes. Positions are milliseconds
since the session's first sample.
"""

import msgspec

from gateway.realtime.session.inputs import TurnEnded, VoiceInput, VoicePaused, VoiceResumed, VoiceStarted

MIN_SPEECH_MS = 60
"""Speech before it counts as a start, or as going on after a pause: a click is shorter."""

HYSTERESIS = 0.15
"""By how much the probability must fall below the threshold before a window of running speech is without speech."""


class TrackerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When a window is speech (``threshold``, 0 to 1), and how long it must be quiet for a pause and for an end.

    ``prefix_padding_ms`` before the voice belong to a turn; a turn ends after ``longest_ms`` whatever is heard.
    """

    threshold: float = 0.5
    prefix_padding_ms: float = 300.0
    quiet_ms: float = 120.0
    silence_ms: float = 500.0
    longest_ms: float = 300_000.0


class SpeechTracker:
    """Where the speech of one session is; the first window begins at ``start_ms`` and each lasts ``window_ms``.

    ``silence_ms`` may be changed at any time, also in a pause, which then ends sooner or later.
    """

    def __init__(self, settings: TrackerSettings, *, window_ms: float, start_ms: float = 0.0) -> None:
        self.silence_ms = settings.silence_ms
        self.now_ms = start_ms
        self.is_speaking = False
        self.is_paused = False
        self.turn_from_ms = start_ms
        """Where the last turn begins, with its padding."""
        self._settings = settings
        self._window_ms = window_ms
        self._least = max(1, round(MIN_SPEECH_MS / window_ms))
        self._floor_ms = start_ms
        self._run = 0
        self._started_ms = start_ms
        self._voiced_until_ms = start_ms

    @property
    def needed_from_ms(self) -> float:
        """Audio before this is not of a turn that starts from now on, nor of its padding."""
        return max(self._floor_ms, self.now_ms - self._run * self._window_ms - self._settings.prefix_padding_ms)

    @property
    def quiet_ms(self) -> float:
        """For how long there has been no voice."""
        return self.now_ms - self._voiced_until_ms

    @property
    def next_decides(self) -> bool:
        """Whether a turn may start, pause, go on or end with the next window."""
        return self.quiet_ms > 0 if self.is_speaking else 0 < self._run >= self._least - 1

    def change(self, settings: TrackerSettings) -> None:
        """Judge by other settings from now on, also in a turn that goes on."""
        self._settings = settings
        self.silence_ms = settings.silence_ms

    def window(self, probability: float) -> VoiceInput | None:
        """What the next window changes."""
        self.now_ms += self._window_ms
        threshold = self._settings.threshold
        is_voiced = probability >= (threshold - HYSTERESIS if self.is_speaking else threshold)
        self._run = self._run + 1 if is_voiced else 0
        if not self.is_speaking:
            return self._start() if self._run >= self._least else None
        if is_voiced and not self.is_paused:
            self._voiced_until_ms = self.now_ms
        elif self._run >= self._least:
            self._voiced_until_ms = self.now_ms
            self.is_paused = False
            self.silence_ms = self._settings.silence_ms
            return VoiceResumed(at_ms=round(self.now_ms - self._run * self._window_ms))
        return self.settle()

    def arrived(self, until_ms: float, frame_ms: float) -> VoicePaused | None:
        """Whether speech pauses, when audio has come up to ``until_ms``, in frames of ``frame_ms``.

        What is no whole window yet counts as quiet, and a pause is told with the frame that ends closest to its length:
        else it would be told up to a window, or a frame, late.
        """
        part_ms = until_ms - self.now_ms
        if not self.is_speaking or self.quiet_ms <= 0 or part_ms >= self._window_ms:
            return None
        if self.silence_ms <= self._settings.quiet_ms:  # the turn ends then
            return None
        return self._pause(self.quiet_ms + part_ms + min(frame_ms, self._window_ms) / 2)

    def settle(self) -> VoiceInput | None:
        """Whether speech pauses or has ended with the silence so far; after ``silence_ms`` was changed."""
        if not self.is_speaking:
            return None
        is_quiet = self.quiet_ms > 0
        if (
            is_quiet and self.quiet_ms >= self.silence_ms
        ) or self.now_ms - self._started_ms >= self._settings.longest_ms:
            return self.stop()
        return self._pause(self.quiet_ms) if is_quiet else None

    def stop(self) -> TurnEnded:
        """The turn that goes on ends now."""
        self.restart(self.now_ms)
        return TurnEnded(at_ms=round(self.now_ms))

    def restart(self, floor_ms: float) -> None:
        """No turn begins before ``floor_ms``; one that goes on is over, and a voice that goes on starts another."""
        if self.is_speaking:
            self._run = 0
        self.is_speaking = self.is_paused = False
        self.silence_ms = self._settings.silence_ms
        self._floor_ms = floor_ms

    def _pause(self, quiet_ms: float) -> VoicePaused | None:
        if self.is_paused or quiet_ms < self._settings.quiet_ms:
            return None
        self.is_paused = True
        return VoicePaused(at_ms=round(self._voiced_until_ms))

    def _start(self) -> VoiceStarted:
        self.is_speaking = True
        self.turn_from_ms = self.needed_from_ms
        self._started_ms = max(self._floor_ms, self.now_ms - self._run * self._window_ms)
        self._voiced_until_ms = self.now_ms
        return VoiceStarted(at_ms=round(self._started_ms))

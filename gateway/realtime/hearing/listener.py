"""How one session hears: takes the client's audio, and tells when a voice starts, pauses and goes on and a turn ends.

``tell`` is called, on the event loop, with the inputs of ``inputs.VoiceInput`` as they are found. Audio is kept from
the start of a turn, with its padding, until ``commit`` or ``clear``; without turn detection all of it is.

    listener = Listener(hearing, tell, failed)
    listener.listen(FORMATS["audio/pcm"], ServerVad())   # Listen; again when the session changes
    listener.append(data)                                # input_audio_buffer.append; raises InvalidRequest
    utterance = listener.open(start_ms)                  # StartTranscript: for LiveTranscription, while it grows
    listener.words(text, language)                       # what is known of the turn's words: for semantic_vad
    utterance = listener.commit(start_ms, end_ms)        # CommitAudio: the audio of an item
    listener.clear(end_ms)                               # ClearAudio
    listener.end()
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from gateway.realtime.audio_memory import AudioMemory
from gateway.realtime.hearing.audio_format import FORMATS, AudioFormat
from gateway.realtime.hearing.end_of_turn import JUDGED_AFTER_MS, LIMITS_MS, TurnEvidence, TurnJudge, silence_needed_ms
from gateway.realtime.hearing.input_audio import InputAudio, Utterance
from gateway.realtime.hearing.speech_tracker import MIN_SPEECH_MS, SpeechTracker, TrackerSettings
from gateway.realtime.hearing.voice_activity import ActivityStream, VoiceActivityMonitor
from gateway.realtime.protocol.session_config import SemanticVad, ServerVad, TurnDetection
from gateway.realtime.session.inputs import TurnEnded, VoiceInput, VoicePaused, VoiceResumed, VoiceStarted

ROUNDING_MS = 1.0
"""By how much positions may differ that are the same: inputs and commands have whole milliseconds."""

STALLED_MS = 4000.0
"""How long a turn goes on with ``server_vad`` when no audio comes at all; with ``semantic_vad`` it is its limit."""


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """What sessions of a route hear with; ``start`` runs work in the background of the application.

    A pause is told, and work ahead may begin, after ``quiet_ms`` without a voice. Their audio is in ``memory``.
    """

    memory: AudioMemory
    monitor: VoiceActivityMonitor
    judge: TurnJudge
    start: Callable[[Coroutine[Any, Any, None]], object]
    quiet_ms: float = 120.0


class Listener:
    """The ears of one session; ``failed`` is called once if voice activity cannot be measured any more."""

    def __init__(
        self, hearing: Hearing, tell: Callable[[VoiceInput], None], failed: Callable[[Exception], None]
    ) -> None:
        self.audio = InputAudio(FORMATS["audio/pcm"], hearing.memory)
        self._hearing = hearing
        self._tell = tell
        self._failed = failed
        self._detection: TurnDetection | None = None
        self._stream: ActivityStream | None = None
        self._tracker: SpeechTracker | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._appended_at = 0.0
        self._frame_ms = 0.0  # how much audio the client sends at once
        self._has_ended = False
        self._turns: list[_Turn] = []  # those that were told of and are not committed yet

    @property
    def now_ms(self) -> float:
        """The end of the audio so far."""
        return self.audio.now_ms

    def listen(self, audio_format: AudioFormat, detection: TurnDetection | None) -> None:
        """Read audio in this format from now on, and find turns in this way; a turn that goes on is kept.

        With another format the audio that is not committed is dropped, and with it a turn that goes on.
        """
        if audio_format != self.audio.format:
            self._change_format(audio_format)
        self._detection = detection
        if detection is None:
            self.close()
            return
        settings = _tracker_settings(detection, self._hearing.quiet_ms)
        if self._stream is not None and self._tracker is not None:
            self._tracker.change(settings)
            return
        self._tracker = SpeechTracker(settings, window_ms=self._hearing.monitor.window_ms, start_ms=self.audio.now_ms)
        self._stream = self._hearing.monitor.open(audio_format, self._measured, self._failed)

    def append(self, data: bytes) -> None:
        """Take the client's next audio. Raises ``InvalidRequest``, and then has taken nothing of it."""
        if self._has_ended:
            return
        self.audio.append(data)
        if self._stream is not None and self._tracker is not None:
            self._stream.feed(data)
            if self._tracker.is_speaking:
                self._appended_at = asyncio.get_running_loop().time()
                self._frame_ms = self.audio.format.milliseconds(len(data))
                self._look_for_pause(self._tracker)
        elif self.audio.utterance is not None:
            self.audio.utterance.advance(self.audio.now_ms)

    def open(self, start_ms: float) -> Utterance:
        """The turn that begins at ``start_ms`` as it grows, for a recogniser; until ``commit`` or ``clear``."""
        utterance = self.audio.open(start_ms)
        turn = next((turn for turn in self._turns if turn.known_ms > start_ms), None)
        if turn is not None:
            turn.utterance = utterance
            utterance.advance(turn.known_ms)
            if turn.is_paused:
                utterance.pause()
        elif self._stream is None:
            utterance.advance(self.audio.now_ms)
        return utterance

    def commit(self, start_ms: float, end_ms: float) -> Utterance:
        """The audio from ``start_ms`` to ``end_ms``, which has ended; what came before it is dropped."""
        tracker = self._tracker
        if tracker is not None and end_ms > tracker.now_ms + MIN_SPEECH_MS:
            self._resume()  # what was not measured yet may be a voice
        utterance = self.audio.commit(start_ms, end_ms)
        self._begin_anew(end_ms)
        return utterance

    def clear(self, end_ms: float) -> None:
        """Drop the audio before ``end_ms``; an utterance that is open ends empty."""
        self.audio.clear(end_ms)
        self._begin_anew(end_ms)

    def words(self, text: str, language: str | None = None) -> None:
        """What the words are up to the present pause: they may say that the turn has ended, or that it has not."""
        if self._turns:
            self._turns[-1].evidence.hear(text, language)
            self._weigh(self._turns[-1])

    def close(self) -> None:
        """Tell nothing any more; the audio can still be committed."""
        if self._stream is not None:
            self._stream.close()
            self._resume()  # nobody hears any more when it ends
        self._stream = self._tracker = None
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def end(self) -> None:
        """The session is over: its audio is not needed any more, nor what may still come."""
        self._has_ended = True
        self.close()
        self.audio.clear(self.audio.now_ms)

    def _measured(self, probability: float) -> None:
        """The next window was measured."""
        tracker = self._tracker
        assert tracker is not None, "the stream is open"
        event = tracker.window(probability)
        if event is not None:
            self._found(tracker, event)
        if tracker.is_speaking:
            if self._turns and not tracker.is_paused:
                self._turns[-1].advance(tracker.now_ms)
            self._look_for_pause(tracker)
            if tracker.is_paused and self._turns:
                self._begin_judging(tracker, self._turns[-1])
        if self._stream is not None:
            self._stream.is_urgent = tracker.next_decides
        self.audio.forget(self._turns[0].start_ms if self._turns else tracker.needed_from_ms)

    def _look_for_pause(self, tracker: SpeechTracker) -> None:
        """Tell of a pause as soon as enough quiet audio has come, in the middle of a window too."""
        if (pause := tracker.arrived(self.audio.now_ms, self._frame_ms)) is not None:
            self._found(tracker, pause)

    def _found(self, tracker: SpeechTracker, event: VoiceInput) -> None:
        match event:
            case VoiceStarted():
                self._turns.append(_Turn(tracker.turn_from_ms, tracker.now_ms))
                self._appended_at = asyncio.get_running_loop().time()
                if self._stalled is None:
                    self._check_stalled()
            case VoicePaused() if self._turns:
                self._turns[-1].pause(paused=True)
            case VoiceResumed() if self._turns:
                self._turns[-1].pause(paused=False)
            case TurnEnded() if self._turns:
                self._turns[-1].end(event.at_ms)
        self._tell(event)
        if isinstance(event, VoicePaused) and self._turns:
            self._weigh(self._turns[-1])

    def _check_stalled(self) -> None:
        """End a turn whose audio does not come any more: a muted client may send nothing in place of silence."""
        self._stalled = None
        if self._tracker is None or not self._tracker.is_speaking or self._detection is None:
            return
        loop = asyncio.get_running_loop()
        patience = LIMITS_MS[self._detection.eagerness] if isinstance(self._detection, SemanticVad) else STALLED_MS
        if (left := self._appended_at + patience / 1000 - loop.time()) > 0:
            self._stalled = loop.call_later(left, self._check_stalled)
        else:
            self._found(self._tracker, self._tracker.stop())

    def _begin_judging(self, tracker: SpeechTracker, turn: "_Turn") -> None:
        """Have the sound of a pause judged, once, when enough silence is heard to tell."""
        judge = self._hearing.judge
        if turn.is_judged or tracker.quiet_ms < JUDGED_AFTER_MS or not isinstance(self._detection, SemanticVad):
            return
        turn.is_judged = True
        if judge.is_available:
            start = max(turn.start_ms, tracker.now_ms - judge.window_ms)
            data = self.audio.between(self.audio.offset(start), self.audio.offset(tracker.now_ms))
            self._hearing.start(self._judge(turn, turn.pauses, data))

    async def _judge(self, turn: "_Turn", pause: int, data: bytes) -> None:
        sound = await self._hearing.judge.probability(data, self.audio.format)
        if turn.pauses == pause:
            turn.evidence.sound = sound
            self._weigh(turn)

    def _weigh(self, turn: "_Turn") -> None:
        """End the turn if the pause is long enough for what is known now."""
        tracker = self._tracker
        if tracker is None or not turn.is_paused or turn.has_ended or not isinstance(self._detection, SemanticVad):
            return
        tracker.silence_ms = silence_needed_ms(turn.evidence, LIMITS_MS[self._detection.eagerness])
        if (event := tracker.settle()) is not None:
            self._found(tracker, event)

    def _begin_anew(self, from_ms: float) -> None:
        """Turns that began before ``from_ms`` are done with."""
        turns, self._turns = self._turns, [turn for turn in self._turns if turn.start_ms > from_ms - ROUNDING_MS]
        if self._tracker is not None and not (self._tracker.is_speaking and turns[-1:] == self._turns[-1:]):
            self._tracker.restart(from_ms)

    def _resume(self) -> None:
        """A pause is not known to last: what comes after it is to be recognised, too."""
        for turn in self._turns:
            turn.pause(paused=False)

    def _change_format(self, audio_format: AudioFormat) -> None:
        end_ms = self.audio.now_ms
        self.close()
        self._turns.clear()
        self.audio.clear(end_ms)
        self.audio = InputAudio(audio_format, self._hearing.memory, start_ms=end_ms)


class _Turn:
    """A turn that was told of and is not committed: what of it may be read, and what is known of its end."""

    def __init__(self, start_ms: float, known_ms: float) -> None:
        self.start_ms = start_ms
        self.known_ms = known_ms
        self.is_paused = False
        self.has_ended = False
        self.is_judged = False
        self.pauses = 0
        self.evidence = TurnEvidence()
        self.utterance: Utterance | None = None

    def advance(self, until_ms: float) -> None:
        self.known_ms = until_ms
        if self.utterance is not None:
            self.utterance.advance(until_ms)

    def pause(self, *, paused: bool) -> None:
        self.is_paused = paused
        self.is_judged = False
        self.evidence = TurnEvidence()
        self.pauses += paused
        if self.utterance is not None:
            if paused:
                self.utterance.pause()
            else:
                self.utterance.resume()

    def end(self, at_ms: float) -> None:
        self.has_ended = True
        if not self.is_paused:
            self.advance(at_ms)


def _tracker_settings(detection: TurnDetection, quiet_ms: float) -> TrackerSettings:
    if isinstance(detection, ServerVad):
        return TrackerSettings(
            threshold=detection.threshold,
            prefix_padding_ms=detection.prefix_padding_ms,
            silence_ms=detection.silence_duration_ms,
            quiet_ms=quiet_ms,
        )
    return TrackerSettings(silence_ms=LIMITS_MS[detection.eagerness], quiet_ms=quiet_ms)

"""One answer on its way from its turn to the session: events become inputs, audio when it is time to send it."""

import asyncio
from collections.abc import Callable
from typing import assert_never

from adapters.contract import llm, tts
from gateway.access.standing import Standing
from gateway.pipeline.read_aloud import Read
from gateway.pipeline.screening import Screening
from gateway.pipeline.speak import UtteranceStarted
from gateway.realtime.hearing.audio_format import format_of
from gateway.realtime.pacing import PacedAudio, Playback
from gateway.realtime.protocol.session_config import AudioOutput
from gateway.realtime.session import inputs
from gateway.realtime.session.inputs import AnswerInput
from gateway.telemetry.outcome import TurnOutcome
from gateway.turns.result import TurnEvent
from gateway.turns.speculation import Speculation

ToolCall = llm.ToolCallStarted | llm.ToolCallDelta | llm.ToolCallFinished
Told = Screening | llm.TextDelta | ToolCall | UtteranceStarted | tts.AudioChunk
"""The events of a turn of which the session learns."""

Tell = Callable[[AnswerInput], None]


class AnswerRun:
    """The answer ``response_id``, spoken as ``output`` says and heard in ``playback`` or, without ``output``, in text.

    It is held back until it is released. One that is made ahead speaks so many utterances before that; ``is_adopted``
    says whether the session has made it its answer. ``standing`` is that of the caller with this answer.
    """

    def __init__(
        self,
        response_id: str,
        output: AudioOutput | None,
        playback: Playback,
        tell: Tell,
        *,
        ahead: int | None = None,
    ) -> None:
        self.response_id = response_id
        self.playback = playback
        self.audio_format = None if output is None else format_of(output.format)
        self.task: asyncio.Task[None] | None = None
        self.speculation = None if ahead is None else Speculation(ahead, self._lost)
        self.is_adopted = ahead is None
        self.standing = Standing()
        self.tokens = 0
        self._tell = tell
        self._held: list[Told] = []
        self._released = asyncio.Event()
        self._audio: PacedAudio | None = None

    def speak(self, rate: int) -> None:
        """The turn's audio has ``rate`` Hz."""
        if self.audio_format is not None:
            self._audio = PacedAudio(self.playback, rate, self.audio_format, self._hand_over)
            if self._released.is_set():
                self._audio.start()

    async def take(self, event: TurnEvent | Read) -> None:
        """The next event of the turn; waits while too much audio waits for its time."""
        if not isinstance(event, Told):
            return
        if self._released.is_set():
            self._pass_on(event)
        else:
            self._held.append(event)
        if self._audio is not None:
            await self._audio.room()

    def release(self, standing: Standing) -> None:
        """The caller is to have the answer: tell what was held back, and everything else as it comes."""
        self.standing = standing
        if self.speculation is not None:
            self.speculation.adopt()
        self._released.set()
        for event in self._held:
            self._pass_on(event)
        self._held.clear()
        if self._audio is not None:
            self._audio.start()

    async def released(self) -> None:
        """Wait until the answer is released."""
        await self._released.wait()

    async def finish(self) -> None:
        """The turn is over: wait until all its audio was handed over."""
        if self._audio is not None:
            await self._audio.drain()

    def _lost(self, outcome: TurnOutcome) -> None:
        """The turn ended without being needed, and used ``tokens``."""
        usage = outcome.usage or outcome.estimate
        self.tokens = 0 if usage is None else usage.input_tokens + usage.output_tokens

    def stop(self) -> None:
        """Hand nothing over any more."""
        if self._audio is not None:
            self._audio.stop()

    def _pass_on(self, event: Told) -> None:
        name = self.response_id
        match event:
            case Screening():
                self._tell(inputs.TextFlagged(response_id=name, substitutes=event.substitutes))
            case llm.TextDelta():
                self._tell(inputs.AnswerText(response_id=name, text=event.text))
            case llm.ToolCallStarted():
                self._tell(inputs.ToolCallStarted(response_id=name, call_id=event.call_id, name=event.name))
            case llm.ToolCallDelta():
                delta = inputs.ToolCallDelta(response_id=name, call_id=event.call_id, arguments=event.arguments)
                self._tell(delta)
            case llm.ToolCallFinished():
                call = inputs.ToolCallFinished(response_id=name, call_id=event.call_id, arguments=event.arguments)
                self._tell(call)
            case UtteranceStarted():
                if self._audio is not None:
                    self._audio.begin(event.text)
            case tts.AudioChunk():
                if self._audio is not None:
                    self._audio.feed(event.pcm)
            case _:
                assert_never(event)

    def _hand_over(self, audio: bytes, seconds: float, text: str | None) -> None:
        self._tell(inputs.AnswerAudio(response_id=self.response_id, audio=audio, ms=seconds * 1000, begins=text))

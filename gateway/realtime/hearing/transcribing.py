"""The transcripts of a session's items: started while the user speaks, finished, dropped, charged."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any

import msgspec

from adapters.contract import stt
from adapters.contract.errors import AdapterError
from gateway.access.caller import Caller
from gateway.engines.route import ServedRoute
from gateway.languages import code_of
from gateway.pipeline import listen
from gateway.pipeline.listen import RecognitionOptions
from gateway.realtime.hearing.input_audio import Utterance
from gateway.realtime.hearing.live_transcription import LiveTranscription, WordsSoFar
from gateway.realtime.protocol.response_events import FailureBody
from gateway.realtime.session import inputs
from gateway.realtime.session.commands import Recognition
from gateway.telemetry.observer import Observer
from gateway.telemetry.timings import Stopwatch
from gateway.turns.tally import Tally

logger = logging.getLogger(__name__)

STEPS_TO_MODEL = 2
"""Of the loop, from the words of a turn until the model is asked: the task of the answer, and that of the model."""


class TranscriptService(msgspec.Struct, frozen=True, kw_only=True):
    """What the transcripts of a session of ``caller`` are made with; ``failure`` words what went wrong for clients."""

    caller: Caller
    served: ServedRoute
    observer: Observer
    failure: Callable[[Exception], FailureBody]


class Transcripts:
    """The transcripts of one session, by item; ``heard`` is told of the words up to each pause, and their language."""

    def __init__(
        self,
        service: TranscriptService,
        tell: Callable[[inputs.TranscriptInput], None],
        heard: Callable[[str, str | None], None],
        start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._service = service
        self._tell = tell
        self._heard = heard
        self._start = start
        self._running: dict[str, _Transcript] = {}

    def start(self, item_id: str, utterance: Utterance, recognition: Recognition) -> None:
        """Recognise ``utterance``, which may still grow, as that of the item ``item_id``."""
        recogniser = self._service.served.engines.stt
        assert recogniser is not None, "the session knows whether the route recognises"
        options = _options(recognition, self._service.served, recogniser)
        transcription = LiveTranscription(
            recogniser, utterance, options, in_pauses=recognition.in_pauses, heard=self._heard
        )
        transcript = self._running[item_id] = _Transcript(transcription)
        transcript.task = self._start(self._transcribe(item_id, transcript))

    def is_running(self, item_id: str) -> bool:
        """Whether the item is being recognised."""
        return item_id in self._running

    def finish(self, item_id: str) -> None:
        """The audio of an item is complete: tell its words as soon as all are known."""
        transcript = self._running[item_id]
        transcript.is_wanted = True
        self._finished(item_id, transcript)

    def drop(self, item_id: str) -> None:
        """Nobody wants the words of an item any more."""
        if (transcript := self._running.pop(item_id, None)) is not None and transcript.task is not None:
            transcript.task.cancel()

    async def so_far(self, item_id: str) -> WordsSoFar | None:
        """What was said up to the present pause; ``None`` when that cannot be known any more."""
        transcript = self._running.get(item_id)
        return None if transcript is None else await transcript.transcription.so_far()

    async def _transcribe(self, item_id: str, transcript: "_Transcript") -> None:
        try:
            await self._recognise(item_id, transcript)
        except Exception as error:  # noqa: BLE001  whatever it is, the session goes on
            if not isinstance(error, AdapterError):
                logger.error("a transcript failed unexpectedly: %s", type(error).__name__)
            transcript.end = inputs.TranscriptFailed(item_id=item_id, error=self._service.failure(error))
            self._finished(item_id, transcript)

    async def _recognise(self, item_id: str, transcript: "_Transcript") -> None:
        service = self._service
        tally = Tally(f"transcription_{uuid.uuid4().hex}", service.caller.name, service.served.name, Stopwatch())
        with tally.observed_by(service.observer):
            async with aclosing(transcript.transcription.events()) as events:
                async for event in events:
                    tally.note(event)
                    if isinstance(event, listen.TranscriptDelta):
                        self._tell(inputs.TranscriptDelta(item_id=item_id, text=event.text))
                    else:
                        tally.ending.reason = "stop"
                        transcript.end = inputs.TranscriptFinished(
                            item_id=item_id, text=event.text, language=event.language, seconds=event.seconds
                        )
                        self._finished(item_id, transcript)
                        for _ in range(STEPS_TO_MODEL):  # it is to be asked before this is closed and counted
                            await asyncio.sleep(0)

    def _finished(self, item_id: str, transcript: "_Transcript") -> None:
        """Tell of the end of a transcript, once there is one and it is wanted."""
        if transcript.end is not None and transcript.is_wanted and self._running.get(item_id) is transcript:
            del self._running[item_id]
            self._tell(transcript.end)


class _Transcript:
    """One transcript: its end is told when it ``is_wanted``."""

    def __init__(self, transcription: LiveTranscription) -> None:
        self.transcription = transcription
        self.task: asyncio.Task[None] | None = None
        self.is_wanted = False
        self.end: inputs.TranscriptFinished | inputs.TranscriptFailed | None = None


def _options(recognition: Recognition, served: ServedRoute, recogniser: stt.Recogniser) -> RecognitionOptions:
    """What the recogniser is asked for; a language that it does not know is left to it."""
    named = recognition.language or served.route.settings.language
    language = None if named is None else code_of(named)
    if recogniser.info.languages is not None and language not in recogniser.info.languages:
        language = None
    hints = [text for text in (recognition.prompt, ", ".join(recognition.keywords)) if text]
    return RecognitionOptions(language=language, prompt="\n".join(hints) or None)

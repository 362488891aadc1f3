"""The turn that only speaks: a text in, its speech out."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from gateway.access.caller import Caller
from gateway.conversation.conversation import Languages
from gateway.engines.route import ServedRoute
from gateway.pipeline.answer import Speech
from gateway.pipeline.deadline import Deadline
from gateway.pipeline.guarded_answer import Guarded
from gateway.pipeline.playhead import Playhead
from gateway.pipeline.read_aloud import Read, read_aloud
from gateway.pipeline.screening import rejected, screen_text
from gateway.pipeline.speak import Delivery
from gateway.pipeline.utterance_scheduler import Pacing
from gateway.telemetry.observer import Observer
from gateway.telemetry.timings import Stopwatch
from gateway.turns.build import language_code
from gateway.turns.result import TurnFinished
from gateway.turns.speech_style import speech_style
from gateway.turns.tally import Tally


class SpeechTurnRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A text to be spoken to ``caller``. ``None`` leaves a choice to the settings of the route.

    ``speed`` is 1.0 for normal, ``language`` a code or a name, ``instructions`` describe a style. A text that answers
    somebody follows the ``heard_language`` (ISO 639-1) of the question, where that is known.
    """

    caller: Caller
    text: str
    voice: str | None = None
    speed: float | None = None
    language: str | None = None
    heard_language: str | None = None
    instructions: str | None = None


class SpeechTurns:
    """Begins turns that only speak; ``observer`` is told of each."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def begin(self, request: SpeechTurnRequest, served: ServedRoute, watch: Stopwatch) -> "SpeechTurn":
        """The speech ``request`` at the route ``served``; nothing happens until it is read.

        Raises ``InvalidRequest`` for a voice, a speed or a language that the route's synthesiser does not have.
        """
        delivery = _delivery(request, served)
        served.engines.tts.check(delivery.request(""))
        return SpeechTurn(request, delivery, served, watch, self._observer)


class SpeechTurn:
    """The speech of ``request`` as ``delivery`` says, at the route ``served``; ``id`` is for the log."""

    def __init__(
        self,
        request: SpeechTurnRequest,
        delivery: Delivery,
        served: ServedRoute,
        watch: Stopwatch,
        observer: Observer,
    ) -> None:
        self.id = f"speech_{uuid.uuid4().hex}"
        self._request = request
        self._delivery = delivery
        self._served = served
        self._watch = watch
        self._observer = observer

    @property
    def sample_rate(self) -> int:
        """The rate in Hz of the audio in its events."""
        return self._served.engines.tts.info.sample_rate

    async def events(self) -> AsyncGenerator[Read | TurnFinished, None]:
        """Speak; ends with ``TurnFinished``. Closing it at any point releases the synthesiser.

        Raises ``AdapterError``.
        """
        settings = self._served.route.settings
        tally = Tally(self.id, self._request.caller.name, self._served.name, self._watch, self.sample_rate)
        speech = Speech(
            engine=self._served.engines.tts,
            delivery=self._delivery,
            pacing=Pacing(
                batch_sentences=settings.stream_batch_sentences,
                first_utterance_seconds=settings.first_utterance_ms / 1000,
            ),
            playhead=Playhead(),
        )
        deadline = Deadline.of(settings.max_turn_seconds, self._watch.elapsed)
        with tally.observed_by(self._observer):
            screening = await deadline.limit(screen_text(self._request.text, self._served.guards.answer))
            for name in screening.guards:
                tally.note(Guarded(guard=name))
            if screening.refused:
                raise rejected()
            text = self._request.text if screening.answer is None else screening.answer
            async with aclosing(read_aloud(text, speech, deadline, self._watch)) as reading:
                async for event in reading:
                    tally.note(event)
                    yield event
                    tally.delivered(event)
            yield TurnFinished(reason="stop", outcome=tally.outcome())


def _delivery(request: SpeechTurnRequest, served: ServedRoute) -> Delivery:
    settings = served.route.settings
    language = language_code(request.language or settings.language)
    replied_in = request.heard_language if settings.enable_lang_prompt else None
    style = speech_style(served, voice=request.voice, speed=request.speed, instructions=request.instructions)
    return style.delivery(Languages(asked=language or request.heard_language, voice=language or replied_in))

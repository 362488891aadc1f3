"""The turn that only listens: a recording in, its transcript out; silence is an empty transcript."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from adapters.contract import audio, stt
from adapters.contract.errors import Unsupported
from gateway.access.caller import Caller
from gateway.engines.route import ServedRoute
from gateway.pipeline.deadline import Deadline
from gateway.pipeline.listen import Heard, NoSpeech, RecognitionOptions, TranscriptFinished, blocks, listen
from gateway.telemetry.observer import Observer
from gateway.telemetry.timings import Stopwatch
from gateway.turns.build import language_code
from gateway.turns.request import AudioSource
from gateway.turns.tally import Tally


class TranscriptionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A recording to be written down for ``caller``.

    ``options.language`` is a code or a name, ``None`` for that of the settings.
    """

    caller: Caller
    audio: AudioSource
    options: RecognitionOptions


class TranscriptionTurns:
    """Begins transcriptions; ``observer`` is told of each."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def begin(self, request: TranscriptionRequest, served: ServedRoute, watch: Stopwatch) -> "TranscriptionTurn":
        """The transcription ``request`` at the route ``served``; nothing happens until it is read.

        Raises ``InvalidRequest``, and ``Unsupported`` for what the route's recogniser cannot do.
        """
        recogniser = recogniser_of(served)
        _check(request.options, recogniser.info, served)
        named = request.options.language or served.route.settings.language
        options = msgspec.structs.replace(request.options, language=language_code(named))
        return TranscriptionTurn(msgspec.structs.replace(request, options=options), served, watch, self._observer)


def recogniser_of(served: ServedRoute) -> stt.Recogniser:
    """The route's recogniser. Raises ``Unsupported`` when its model listens itself."""
    if served.engines.stt is None:
        raise Unsupported(
            f"The model `{served.name}` has no recogniser, its language model hears recordings itself: name another "
            "model, or choose a recogniser for it with --stt.",
            param="model",
        )
    return served.engines.stt


def _check(options: RecognitionOptions, info: stt.Info, served: ServedRoute) -> None:
    """Raise ``Unsupported`` for what the recogniser says that it cannot do."""
    lacking = {
        "word_times": (options.word_times and not info.word_times, "gives no times of words"),
        "segment_times": (options.segment_times and not info.segment_times, "gives no times of segments"),
        "translate": (options.translate and not info.translation, "does not translate"),
    }
    for param, (lacks, what) in lacking.items():
        if lacks:
            engine = served.engine_names("stt")[0]
            raise Unsupported(
                f"The recogniser of `{served.name}`, --stt {engine}, {what}; choose one that does with --stt, or "
                "name another model.",
                param=param,
            )


class TranscriptionTurn:
    """The transcription ``request``, whose options the recogniser of ``served`` can meet; ``id`` is for the log."""

    def __init__(
        self, request: TranscriptionRequest, served: ServedRoute, watch: Stopwatch, observer: Observer
    ) -> None:
        self.id = f"transcription_{uuid.uuid4().hex}"
        self._request = request
        self._served = served
        self._watch = watch
        self._observer = observer

    async def events(self) -> AsyncGenerator[Heard, None]:
        """Listen; ends with ``TranscriptFinished``. Closing it at any point releases the recogniser.

        Raises ``AdapterError``.
        """
        settings = self._served.route.settings
        tally = Tally(self.id, self._request.caller.name, self._served.name, self._watch)
        deadline = Deadline.of(settings.max_turn_seconds, self._watch.elapsed)
        with tally.observed_by(self._observer):
            async with aclosing(deadline.limited(self._listen(tally))) as hearing:
                async for event in hearing:
                    tally.note(event)
                    yield event
            tally.ending.reason = "stop"

    async def _listen(self, tally: Tally) -> AsyncGenerator[Heard, None]:
        engines, recogniser = self._served.engines, recogniser_of(self._served)
        rate, options = recogniser.info.sample_rate, self._request.options
        detector = engines.vad.detector() if engines.vad else None
        # Decoded before the recogniser is asked: a recording that is slow to decode must not hold a place in its queue.
        pcm = await self._request.audio(rate)
        try:
            heard = tally.listening(blocks(pcm, rate), rate)
            async with aclosing(listen(recogniser, detector, heard, options)) as hearing:
                async for event in hearing:
                    if isinstance(event, TranscriptFinished):
                        self._watch.mark("stt_done")
                    yield event
        except NoSpeech:
            self._watch.mark("stt_done")
            yield TranscriptFinished(text="", language=options.language, seconds=audio.seconds(pcm, rate))

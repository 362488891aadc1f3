"""Rigs of the recognisers and synthesisers for the contract's checks: each gives a warm engine."""

import wave
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from adapters.blocking import WorkerPool
from adapters.contract import stt, tts
from adapters.contract.checks import Failure, Grammar, Rig, stt_grammar, tts_grammar
from adapters.contract.errors import InvalidRequest, TooLong, UnknownModel, Unsupported, UpstreamError
from adapters.stt.faster_whisper.adapter import FasterWhisper
from adapters.stt.openai.adapter import OpenAIRecogniser
from adapters.stt.pocketsphinx.adapter import PocketSphinx
from adapters.tts.espeak.adapter import Espeak
from adapters.tts.espeak.worker import Utterance
from adapters.tts.kokoro.adapter import Kokoro
from adapters.tts.limits import MAX_CHARACTERS
from adapters.tts.openai.adapter import OpenAISynthesiser
from adapters.tts.phrase_workers import Phrase
from adapters.tts.piper.adapter import Piper
from adapters.tts.transformers.adapter import TransformersSynthesiser
from tests.models import real
from tests.support.device import DEVICE
from tests.support.forms import parse_form
from tests.support.upstream_server import Exchange, UpstreamServer

QUESTION = Path(__file__).parent.parent / "data" / "question.wav"


BLOCK = bytes(32_000)
"""A second of silence."""


async def _blocks(pcm: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(pcm), 3200):
        yield pcm[start : start + 3200]


class RecogniserRig:
    """One recogniser, asked for the whole question and for its beginning."""

    grammar: Grammar = staticmethod(stt_grammar)

    def __init__(
        self, engine: stt.Recogniser, failures: Sequence[Failure], busy: Callable[[], int], *, most_seconds: int
    ) -> None:
        self.engine: Any = engine
        self.failures = failures
        self.busy = busy
        self.ahead = most_seconds + 1
        self._taken = 0
        with wave.open(str(QUESTION)) as recording:
            self._pcm = bytes(recording.readframes(recording.getnframes()))

    def request(self, number: int) -> stt.Request:
        return stt.Request(audio=_blocks(self._pcm[: (None, 32_000)[number]]), word_times=True)

    def answer(self, events: Sequence[Any]) -> Any:
        return [event for event in events if isinstance(event, stt.FinalTranscript)]

    def endless(self) -> stt.Request:
        self._taken = 0
        return stt.Request(audio=self._silence())

    async def _silence(self) -> AsyncIterator[bytes]:
        while True:
            self._taken += 1
            assert self._taken <= self.ahead, "the engine takes audio without end"
            yield BLOCK

    def produced(self) -> int:
        """Seconds of audio that the engine has taken."""
        return self._taken


LONGEST_WORD_SECONDS = 1.4
"""Between what a voice needs for the word and for the sentence."""


class SynthesiserRig:
    """One synthesiser, asked for a word and for a sentence; one that ``varies`` never speaks twice alike."""

    grammar: Grammar = staticmethod(tts_grammar)

    ahead = 1

    def __init__(
        self,
        engine: tts.Synthesiser,
        failures: Sequence[Failure],
        busy: Callable[[], int],
        *,
        language: str | None = None,
        varies: bool = False,
    ) -> None:
        self.engine: Any = engine
        self._varies = varies
        self.failures = failures
        self.busy = busy
        self.synthesised = 0
        self._language = language

    def request(self, number: int) -> tts.Request:
        return tts.Request(
            text=("Hello.", "This is another sentence, and it is longer.")[number], language=self._language
        )

    def answer(self, events: Sequence[Any]) -> Any:
        seconds = events[-1].seconds
        return events[-1].characters, seconds > LONGEST_WORD_SECONDS if self._varies else round(seconds, 1)

    def endless(self) -> tts.Request:
        self.synthesised = 0
        return tts.Request(text="This is a sentence. " * (MAX_CHARACTERS // 20), language=self._language)

    def produced(self) -> int:
        """Pieces of text that were synthesised."""
        return self.synthesised


@asynccontextmanager
async def pocketsphinx() -> AsyncGenerator[Rig, None]:
    """The embedded recogniser with two workers."""
    failures = [
        Failure(name="German", request=lambda: stt.Request(audio=_blocks(b""), language="de"), error=Unsupported),
        Failure(name="too long", request=lambda: stt.Request(audio=_blocks(bytes(61 * 32_000))), error=TooLong),
    ]
    async with aclosing(PocketSphinx(PocketSphinx.Options())) as engine:
        await engine.warm_up()
        yield RecogniserRig(engine, failures, lambda: len(engine._pool._busy), most_seconds=60)


def _wanted_jobs(pool: WorkerPool) -> int:
    """How many workers speak for somebody: a phrase whose listener has left may end by itself."""
    return max(0, len(pool._busy) - len(pool._unwanted))  # a job that has ended leaves both, one after the other


@asynccontextmanager
async def espeak() -> AsyncGenerator[Rig, None]:
    """The embedded synthesiser."""
    failures = [
        Failure(name="voice", request=lambda: tts.Request(text="Hello.", voice="nobody"), error=InvalidRequest),
        Failure(name="speed", request=lambda: tts.Request(text="Hello.", speed=9), error=InvalidRequest),
        Failure(name="language", request=lambda: tts.Request(text="Hello.", language="tlh"), error=Unsupported),
        Failure(name="too long", request=lambda: tts.Request(text="a" * 5001), error=TooLong),
    ]
    async with aclosing(Espeak(Espeak.Options())) as engine:
        await engine.warm_up()
        rig = SynthesiserRig(engine, failures, lambda: _wanted_jobs(engine._pool))
        speak = engine._speak

        def counted(utterance: Utterance) -> AsyncGenerator[bytes, None]:
            rig.synthesised += 1
            return speak(utterance)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "_speak", counted)
            yield rig


@asynccontextmanager
async def _in_workers(engine: Piper | Kokoro, language: str) -> AsyncGenerator[Rig, None]:
    """A synthesiser with a real model."""
    failures = [
        Failure(name="voice", request=lambda: tts.Request(text="Hello.", voice="nobody"), error=InvalidRequest),
        Failure(name="speed", request=lambda: tts.Request(text="Hello.", speed=9), error=InvalidRequest),
        Failure(name="language", request=lambda: tts.Request(text="Hello.", language="tlh"), error=Unsupported),
        Failure(name="too long", request=lambda: tts.Request(text="a" * 5001), error=TooLong),
    ]
    async with aclosing(engine):
        await engine.warm_up()
        workers = engine._workers
        assert workers is not None
        rig = SynthesiserRig(engine, failures, lambda: _wanted_jobs(workers.pool), language=language, varies=True)
        speak = workers._speak

        async def counted(job: Phrase) -> bytes:
            rig.synthesised += 1
            return await speak(job)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(workers, "_speak", counted)
            yield rig


@asynccontextmanager
async def piper() -> AsyncGenerator[Rig, None]:
    """Piper with a voice of American English."""
    async with _in_workers(Piper(Piper.Options(tts_model=str(real.at_hand("piper-joe")))), "en") as rig:
        yield rig


@asynccontextmanager
async def kokoro() -> AsyncGenerator[Rig, None]:
    """Kokoro with Japanese speakers, who speak English."""
    async with _in_workers(Kokoro(Kokoro.Options(tts_model=str(real.at_hand("kokoro")))), "en") as rig:
        yield rig


@asynccontextmanager
async def openai_voice() -> AsyncGenerator[Rig, None]:
    """The synthesiser behind a scripted server, which sends 40 ms of sound for each character."""
    refused = {"voice": (400, "voice"), "model": (404, "model"), "key": (401, None), "failure": (500, None)}

    async def script(exchange: Exchange) -> None:
        if exchange.json["input"] in refused:
            status, param = refused[exchange.json["input"]]
            await exchange.reply(status, {"error": {"message": "no such model", "param": param}})
            return
        await exchange.start(content_type="audio/pcm")
        for _ in exchange.json["input"]:
            rig.synthesised += 1
            await exchange.send(b"\x00\x10" * 960)
        await exchange.finish()

    errors = {"voice": InvalidRequest, "model": UnknownModel, "key": UpstreamError, "failure": UpstreamError}
    failures = [
        Failure(name=text, request=partial(tts.Request, text=text), error=error) for text, error in errors.items()
    ]
    failures.append(Failure(name="too long", request=lambda: tts.Request(text="a" * 5001), error=TooLong))
    async with UpstreamServer(script) as server:
        options = OpenAISynthesiser.Options(tts_base_url=server.base_url, tts_max_retries=0)
        async with aclosing(OpenAISynthesiser(options)) as engine:
            rig = SynthesiserRig(engine, failures, lambda: server.open_streams)
            rig.ahead = 4_000  # what the sockets hold
            yield rig


@asynccontextmanager
async def transformers() -> AsyncGenerator[Rig, None]:
    """A tiny Whisper, which is busy while its pipeline runs."""
    for package in ("torch", "transformers"):
        pytest.importorskip(package, reason=f"needs {package}")
    from tests.models.tiny_whisper import trained  # noqa: PLC0415 - only where the packages are
    from tests.support.recogniser_engine import loaded, pipeline_of  # noqa: PLC0415

    failures = [
        Failure(
            name="French", request=lambda: stt.Request(audio=_blocks(bytes(32_000)), language="fr"), error=Unsupported
        ),
        Failure(
            name="marker",
            request=lambda: stt.Request(audio=_blocks(bytes(32_000)), prompt="<|en|>"),
            error=InvalidRequest,
        ),
        Failure(name="too long", request=lambda: stt.Request(audio=_blocks(bytes(3601 * 32_000))), error=TooLong),
    ]
    async with loaded(trained()) as engine:
        yield RecogniserRig(engine, failures, lambda: pipeline_of(engine).running, most_seconds=3600)


@asynccontextmanager
async def openai() -> AsyncGenerator[Rig, None]:
    """The recogniser behind a scripted server, which refuses what the failures ask for."""
    refused = {"de": (400, "language"), "fr": (413, "file"), "es": (401, None), "it": (500, None), "pt": (404, "model")}

    async def script(exchange: Exchange) -> None:
        form = parse_form(exchange.headers["content-type"], exchange.body)
        language = form.fields.get("language", "")
        status, param = refused.get(language, (200, None))
        if status != 200:
            message = "no such model" if status == 404 else "no"
            await exchange.reply(status, {"error": {"message": message, "param": param}})
            return
        size = len(form.file)
        word = {"word": f"{size}", "start": 0.0, "end": 0.5}
        await exchange.reply(200, {"text": f"{size}", "language": "english", "words": [word]})

    def failing(language: str) -> Callable[[], stt.Request]:
        return lambda: stt.Request(audio=_blocks(bytes(32_000)), language=language)

    errors = {"de": InvalidRequest, "fr": TooLong, "es": UpstreamError, "it": UpstreamError, "pt": UnknownModel}
    failures = [Failure(name=language, request=failing(language), error=error) for language, error in errors.items()]
    async with UpstreamServer(script) as server:
        options = OpenAIRecogniser.Options(stt_base_url=server.base_url, stt_max_retries=0)
        async with aclosing(OpenAIRecogniser(options)) as engine:
            await engine.warm_up()
            yield RecogniserRig(engine, failures, lambda: server.open_streams, most_seconds=3600)


@asynccontextmanager
async def faster_whisper() -> AsyncGenerator[Rig, None]:
    """A real Whisper, which is busy while its thread has readers."""
    pytest.importorskip("faster_whisper", reason="needs faster-whisper")
    options = FasterWhisper.Options(stt_model=str(real.at_hand("whisper-base")), stt_device="cpu")

    def silent(**wanted: Any) -> Callable[[], stt.Request]:
        return lambda: stt.Request(audio=_blocks(bytes(32_000)), **wanted)

    failures = [
        Failure(name="Klingon", request=silent(language="tlh"), error=Unsupported),
        Failure(name="marker", request=silent(prompt="<|en|>"), error=InvalidRequest),
        Failure(name="too long", request=lambda: stt.Request(audio=_blocks(bytes(3601 * 32_000))), error=TooLong),
    ]
    engine = FasterWhisper(options)
    engine.preflight()
    async with aclosing(engine):
        await engine.warm_up()
        yield RecogniserRig(engine, failures, lambda: len(engine._thread._readers), most_seconds=3600)


@asynccontextmanager
async def vits() -> AsyncGenerator[Rig, None]:
    """A tiny VITS, which is busy while its thread has readers."""
    for package in ("torch", "transformers"):
        pytest.importorskip(package, reason=f"needs {package}")
    from tests.models.tiny_vits import build  # noqa: PLC0415 - only where the packages are

    failures = [
        Failure(name="voice", request=lambda: tts.Request(text="hello", voice="nobody"), error=InvalidRequest),
        Failure(name="speed", request=lambda: tts.Request(text="hello", speed=9), error=InvalidRequest),
        Failure(name="language", request=lambda: tts.Request(text="hello", language="fr"), error=Unsupported),
        Failure(name="too long", request=lambda: tts.Request(text="a" * 5001), error=TooLong),
    ]
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        model = str(build(Path(folder) / "tiny"))
        options = TransformersSynthesiser.Options(tts_model=model, tts_language_models={"en": model}, tts_device=DEVICE)
        async with aclosing(TransformersSynthesiser(options)) as engine:
            await engine.warm_up()
            rig = SynthesiserRig(engine, failures, lambda: len(engine._thread._readers))
            speak = engine._speak

            async def counted(job: Any) -> bytes:
                rig.synthesised += 1
                return await speak(job)

            patch.setattr(engine, "_speak", counted)
            yield rig


# By the name under which each engine is registered.
Rigs = dict[str, Callable[[], AbstractAsyncContextManager[Rig]]]
RECOGNISERS: Rigs = {
    "faster-whisper": faster_whisper,
    "openai": openai,
    "pocketsphinx": pocketsphinx,
    "transformers": transformers,
}
SYNTHESISERS: Rigs = {"espeak": espeak, "kokoro": kokoro, "openai": openai_voice, "piper": piper, "transformers": vits}

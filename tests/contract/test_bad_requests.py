"""Every engine of speech, asked for what makes no sense: a sentence or an empty answer, and it goes on as before."""

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import soundfile

from adapters import registry
from adapters.contract import stt, tts, vad
from adapters.contract.checks import read, stt_grammar, tts_grammar
from adapters.contract.errors import AdapterError, InvalidRequest, Unsupported, UpstreamError
from adapters.stt.openai.adapter import OpenAIRecogniser
from adapters.tts.openai.adapter import OpenAISynthesiser
from tests.contract.speech_rigs import RECOGNISERS, SYNTHESISERS
from tests.contract.vad_rigs import RIGS as DETECTORS
from tests.support.recogniser_engine import asking, heard
from tests.support.server import question
from tests.support.upstream_server import Exchange, Script, UpstreamServer, in_order, replies

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

SAMPLES = np.frombuffer(question()[44:], "<i2") / 32_768

SERVERS = {"openai"}
"""Engines whose voices and languages are those of a server, which refuses what it has not."""


async def blocks(*data: bytes) -> AsyncIterator[bytes]:
    for block in data:
        yield block


async def test_every_engine_is_asked() -> None:
    assert [{*rigs} for rigs in (RECOGNISERS, SYNTHESISERS, DETECTORS)] == [
        {*registry.names("stt")},
        {*registry.names("tts")},
        {*registry.names("vad")},
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SYNTHESISERS)
async def voice(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Any, str | None]]:
    """The name of a synthesiser, the engine, and the language that it is asked in."""
    async with SYNTHESISERS[request.param]() as rig:
        yield request.param, rig.engine, rig.request(0).language


async def seconds_of(engine: Any, request: tts.Request) -> float:
    events = await read(engine.stream(request))
    tts_grammar(events)
    rate: int = engine.info.sample_rate
    return sum(len(event.pcm) for event in events if isinstance(event, tts.AudioChunk)) / 2 / rate


async def refused(engine: Any, request: tts.Request) -> AdapterError:
    """The error, the same before and in the stream."""
    with pytest.raises(AdapterError) as early:
        engine.check(request)
    with pytest.raises(type(early.value)) as late:
        await read(engine.stream(request))
    assert str(late.value) == str(early.value)
    assert "\n" not in str(late.value)
    return late.value


async def test_an_unknown_voice_is_told_the_choices(voice: tuple[str, Any, str | None]) -> None:
    name, engine, language = voice
    if name not in SERVERS:
        error = await refused(engine, tts.Request(text="Hello.", voice="nobody"))
        assert isinstance(error, InvalidRequest)
        assert "'nobody'" in error.message
        assert engine.info.default_voice in error.message
        assert error.param == "voice"
    assert await seconds_of(engine, tts.Request(text="Hello.", language=language)) > 0.1


async def test_a_language_that_it_lacks_is_told_by_name(voice: tuple[str, Any, str | None]) -> None:
    name, engine, language = voice
    if name not in SERVERS:
        error = await refused(engine, tts.Request(text="Hello.", language="tlh"))
        assert isinstance(error, Unsupported)
        assert "'tlh'" in error.message
        assert error.param == "language"
    assert await seconds_of(engine, tts.Request(text="Hello.", language=language)) > 0.1


@pytest.mark.parametrize("text", ["", " ", "...", "—", "?! 🙂", "\0"])
async def test_text_with_nothing_to_say_is_no_sound(voice: tuple[str, Any, str | None], text: str) -> None:
    _, engine, language = voice
    assert await seconds_of(engine, tts.Request(text=text, language=language)) == 0
    assert await seconds_of(engine, tts.Request(text="Hello.", language=language)) > 0.1


async def test_4096_characters_without_a_full_stop(voice: tuple[str, Any, str | None]) -> None:
    _, engine, language = voice
    request = tts.Request(text=("and then some more " * 216)[:4096], language=language, speed=4.0)
    heard = 0
    async with aclosing(engine.stream(request)) as events:
        async for event in events:
            heard += len(event.pcm) if isinstance(event, tts.AudioChunk) else 0
            if heard > 2 * 2 * engine.info.sample_rate:  # as slow as speech, some engines need minutes for all of it
                break
    assert heard
    assert await seconds_of(engine, tts.Request(text="Hello.", language=language)) > 0.1


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=RECOGNISERS)
async def ear(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Any]]:
    """The name of a recogniser, and the engine."""
    async with RECOGNISERS[request.param]() as rig:
        yield request.param, rig.engine


async def transcript(engine: Any, *data: bytes, **wanted: Any) -> str:
    events = await read(engine.stream(stt.Request(audio=blocks(*data), **wanted)))
    stt_grammar(events)
    return next(event.text for event in events if isinstance(event, stt.FinalTranscript))


QUIET: Mapping[str, tuple[bytes, ...]] = {
    "nothing": (),
    "empty blocks": (b"", b""),
    "half a sample": (b"\0",),
    "a moment": (bytes(640),),
    "silence": (bytes(32_000),) * 2,
    "silence and half a sample": (bytes(32_001),),
}


@pytest.mark.parametrize("case", QUIET)
async def test_audio_without_speech_is_an_empty_transcript(ear: tuple[str, Any], case: str) -> None:
    name, engine = ear
    text = await transcript(engine, *QUIET[case])
    # What is in silence, a server has to know, and the tiny Whisper of these tests does not.
    assert text == "" or (name in {*SERVERS, "transformers"} and "silence" in case)
    assert (await heard(engine, asking(SAMPLES)))[0].text


async def test_a_language_that_it_does_not_understand(ear: tuple[str, Any]) -> None:
    name, engine = ear
    if name not in SERVERS:
        with pytest.raises(Unsupported, match="'tlh'") as raised:
            await transcript(engine, bytes(32_000), language="tlh")
        assert raised.value.param == "language"
    assert (await heard(engine, asking(SAMPLES)))[0].text


@pytest.mark.parametrize("case", QUIET)
@pytest.mark.parametrize("name", DETECTORS)
async def test_no_detector_hears_speech_in_nothing(name: str, case: str) -> None:
    rig = DETECTORS[name]()
    detector = rig.engine.detector()
    assert [event for block in QUIET[case] for event in detector.feed(block)] == []
    kinds = [type(event) for event in rig.engine.detector().feed(rig.speech())]
    assert kinds == [vad.SpeechStarted, vad.SpeechStopped] * 2


def wav() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, (8_000 * np.sin(np.arange(24_000) * 0.1)).astype("<i2"), 24_000, format="WAV")
    return file.getvalue()


async def half_a_document(exchange: Exchange) -> None:
    await exchange.start(content_type="application/json")
    await exchange.send(b'{"text": "What is')
    await exchange.finish()


PAGE = replies(200, b"<!doctype html><p>Welcome", "text/html")

SPEECH: Mapping[str, tuple[Script, str]] = {
    "HTML": (PAGE, "answered with 'text/html' instead of audio"),
    "half a file": (replies(200, wav()[:2_000], "audio/wav"), "sent half an audio file"),
    "silence": (replies(200, bytes(48_000), "audio/pcm"), "sent nothing but silence"),
    "nothing": (replies(200, b"", "audio/pcm"), "answered without any audio"),
}

TRANSCRIPTIONS: Mapping[str, tuple[Script, str]] = {
    "HTML": (PAGE, "answered with 'text/html' instead"),
    "half a file": (half_a_document, "not JSON, or only a part"),
    "nothing": (replies(200, b""), "sent no transcript"),
}


@pytest.mark.parametrize("case", SPEECH)
async def test_a_server_that_does_not_speak(case: str) -> None:
    script, words = SPEECH[case]
    async with UpstreamServer(in_order([script, replies(200, wav(), "audio/wav")])) as server:
        options = OpenAISynthesiser.Options(tts_base_url=server.base_url, tts_max_retries=0)
        async with aclosing(OpenAISynthesiser(options)) as engine:
            with pytest.raises(UpstreamError, match=words):
                await seconds_of(engine, tts.Request(text="Hello."))
            assert await seconds_of(engine, tts.Request(text="Hello.")) == 1


@pytest.mark.parametrize("case", TRANSCRIPTIONS)
async def test_a_server_that_does_not_hear(case: str) -> None:
    script, words = TRANSCRIPTIONS[case]
    async with UpstreamServer(in_order([script, replies(200, {"text": "Hello."})])) as server:
        options = OpenAIRecogniser.Options(stt_base_url=server.base_url, stt_max_retries=0)
        async with aclosing(OpenAIRecogniser(options)) as engine:
            with pytest.raises(UpstreamError, match=words):
                await transcript(engine, bytes(32_000), language="en")
            assert await transcript(engine, bytes(32_000), language="en") == "Hello."

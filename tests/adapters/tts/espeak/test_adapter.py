"""The embedded synthesiser: voices, speeds, refusals and clean ends, on the real library."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import pytest_asyncio

from adapters.blocking import Limits, WorkerPool
from adapters.contract import tts
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, TooLong, Unavailable, Unsupported, UpstreamError
from adapters.tts.espeak.adapter import Espeak
from tests.support.synthesis import largest_step_in_silence

SENTENCE = "What is the capital of France? It is a large city on the river Seine, and many people live there."

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[Espeak]:
    async with aclosing(Espeak(Espeak.Options())) as synthesiser:
        await synthesiser.warm_up()
        yield synthesiser


async def events(engine: Espeak, request: tts.Request) -> list[tts.Event]:
    async with aclosing(engine.stream(request)) as stream:
        return [event async for event in stream]


async def speak(
    engine: Espeak, text: str, *, voice: str | None = None, language: str | None = None, speed: float = 1.0
) -> npt.NDArray[np.int16]:
    request = tts.Request(text=text, voice=voice, language=language, speed=speed)
    spoken = await events(engine, request)
    return np.frombuffer(b"".join(event.pcm for event in spoken if isinstance(event, tts.AudioChunk)), "<i2")


async def test_an_utterance_is_chunks_between_started_and_finished(engine: Espeak) -> None:
    started, *chunks, finished = await events(engine, tts.Request(text="Hello.", instructions="sadly"))
    assert started == Started(ignored=("instructions",))
    sizes = [len(chunk.pcm) for chunk in chunks if isinstance(chunk, tts.AudioChunk)]
    assert len(sizes) == len(chunks) > 5
    assert 0 < min(sizes) <= max(sizes) == 2 * 882
    assert finished == tts.Finished(seconds=sum(sizes) / 2 / 22_050, characters=6)


async def test_info_lists_languages_and_the_names_of_openai(engine: Espeak) -> None:
    info = engine.info
    assert info.sample_rate == 22_050
    assert {"en-us", "en-gb", "de", "fr-fr", "cmn"} <= set(info.voices)
    assert len(set(info.voices)) == len(info.voices) > 100
    assert info.default_voice in info.voices
    assert (info.voice_languages["en-us"], info.voice_languages["cmn"]) == ("en", "zh")
    assert len(set(info.aliases.values())) == 13


async def test_every_alias_and_every_voice_speaks(engine: Espeak) -> None:
    for voice in (*engine.info.aliases, *engine.info.voices):
        assert len(await speak(engine, "12 osiyo", voice=voice)) > 2_000, voice


@pytest.mark.parametrize("voice", ["nosuch", "de+nosuch", "../../x", "alloy+f2", "+f2"])
async def test_an_unknown_voice_is_refused(engine: Espeak, voice: str) -> None:
    with pytest.raises(InvalidRequest, match="There is no voice") as raised:
        await events(engine, tts.Request(text="Hello.", voice=voice))
    assert raised.value.param == "voice"


async def test_an_unknown_language_is_unsupported(engine: Espeak) -> None:
    with pytest.raises(Unsupported, match="'tlh'") as raised:
        await events(engine, tts.Request(text="Hello.", voice="alloy", language="tlh"))
    assert raised.value.param == "language"


@pytest.mark.parametrize("speed", [0.0, 0.2, 4.1, -1.0, float("nan")])
async def test_a_speed_out_of_range_is_refused(engine: Espeak, speed: float) -> None:
    with pytest.raises(InvalidRequest, match=r"0\.25 to 4") as raised:
        await events(engine, tts.Request(text="Hello.", speed=speed))
    assert raised.value.param == "speed"


@pytest.mark.parametrize("text", ["", "  ", "...", "—", "?!", "🙂🙂", "\0"])
async def test_text_without_words_is_no_audio_and_no_error(engine: Espeak, text: str) -> None:
    assert await events(engine, tts.Request(text=text)) == [Started(), tts.Finished(seconds=0.0, characters=len(text))]


async def test_phonemes_are_spoken(engine: Espeak) -> None:
    assert engine.info.phonemes
    word, phonemes = [len(await speak(engine, text)) for text in ("hello", "[[h@l'oU]]")]
    assert abs(phonemes - word) < word / 10


async def test_the_speed_is_passed_on(engine: Espeak) -> None:
    assert len(await speak(engine, SENTENCE, speed=2.0)) < 0.6 * len(await speak(engine, SENTENCE))


async def test_text_is_read_as_text(engine: Espeak) -> None:
    # Neither markup nor a zero byte nor half a surrogate pair may swallow the rest.
    for text in ("<break time='9s'/> hello there", "a \0 hello there", "a \ud800 hello there"):
        assert 10_000 < len(await speak(engine, text)) < 200_000, text


async def test_too_long_a_text_is_refused(engine: Espeak) -> None:
    with pytest.raises(TooLong, match="5001"):
        await events(engine, tts.Request(text="a" * 5001))


async def test_many_at_once_do_not_mix(engine: Espeak) -> None:
    texts = ["one", "a much longer sentence than the other one", "and a third"] * 4
    alone = {text: len(await speak(engine, text)) for text in texts}
    together = await asyncio.gather(*(speak(engine, text) for text in texts))
    for text, samples in zip(texts, together, strict=True):
        assert len(samples) == pytest.approx(alone[text], rel=0.02)


@pytest.mark.parametrize(
    "text",
    ["s'" * 80, "A." * 200, "U.S." * 100, "i.e.: " * 30, "i.e.:", f"www.{'abc.' * 60}com", "a" * 5_000],
    ids=lambda text: text[:6],
)
async def test_texts_that_crash_the_library_are_spoken_in_pieces(engine: Espeak, text: str) -> None:
    assert len(await speak(engine, text)) > 5_000


async def test_pieces_are_joined_without_a_gap(engine: Espeak) -> None:
    samples = await speak(engine, "one two three four five six seven " * 12)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 300)
    assert np.diff(loud).max() < 0.12 * 22_050


@pytest_asyncio.fixture(loop_scope="module")
async def fragile(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Espeak]:
    """An engine whose workers end at the word "crash" and never answer to "stall"."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    async with aclosing(Espeak(Espeak.Options())) as engine:
        engine._pool = WorkerPool(
            "fragile_worker:synthesiser", size=2, timeout=30, adapter="espeak", limits=Limits(cpu_seconds=1)
        )
        yield engine


@pytest.mark.parametrize(
    "word", ["crash", pytest.param("stall", marks=pytest.mark.skipif(sys.platform == "win32", reason="no limits"))]
)
async def test_a_text_that_ends_its_worker_fails_alone(fragile: Espeak, word: str) -> None:
    await fragile.warm_up()
    failing = asyncio.create_task(speak(fragile, f"This will {word}."))
    for _ in range(20):
        assert len(await speak(fragile, "And this will not.")) > 5_000
    with pytest.raises(UpstreamError, match="failed on a text") as raised:
        await failing
    assert word not in raised.value.message
    assert len(await speak(fragile, "Nor will this.")) > 5_000


async def test_a_library_that_cannot_be_loaded_is_named(fragile: Espeak) -> None:
    fragile._pool = WorkerPool("no_such_module:synthesiser", size=1, timeout=30, adapter="espeak")
    with pytest.raises(Unavailable, match="espeakng-loader"):
        await fragile.warm_up()


LONG = "we walked along the river and over the hill to the old house behind the church where my brother lives now"


@pytest.mark.parametrize(
    ("joint", "pause"), [(". And then ", 0.3), (", and then ", 0.15), ("; and then ", 0.22), (" and then ", 0)]
)
async def test_a_cut_sounds_as_if_there_were_none(engine: Espeak, joint: str, pause: float) -> None:
    """Together the two halves are too long for the library: the text is cut at the joint, or at a space."""
    whole = await speak(engine, LONG + joint + LONG)
    halves = [await speak(engine, LONG), await speak(engine, joint.lstrip(".,; ") + LONG)]
    added = (len(whole) - sum(map(len, halves))) / 22_050
    assert added == pytest.approx(pause, abs=0.1)
    assert largest_step_in_silence(whole, 22_050) <= max(largest_step_in_silence(half, 22_050) for half in halves)

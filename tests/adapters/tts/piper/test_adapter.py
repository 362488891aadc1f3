"""Piper with a real voice: it speaks, joins without clicks, keeps to speeds and outlives what it is asked."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.contract import tts
from adapters.contract.errors import InvalidRequest, Unavailable
from adapters.options import BadOption
from adapters.tts.openai_voices import OPENAI_VOICES
from adapters.tts.phrase_workers import Phrase
from adapters.tts.piper.adapter import Piper
from tests.adapters.tts.piper.test_voices import voice
from tests.support.synthesis import edges_of_phrases, events, speak

JOE = "en_US-joe-medium"
RATE = 22_050

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(real_model: Callable[[str], Path]) -> AsyncIterator[Piper]:
    async with aclosing(Piper(Piper.Options(tts_model=str(real_model("piper-joe"))))) as synthesiser:
        synthesiser.preflight()
        await synthesiser.warm_up()
        yield synthesiser


async def test_info_is_that_of_the_files(engine: Piper) -> None:
    info = engine.info
    assert (info.sample_rate, info.voices, info.default_voice, info.voice_languages) == (RATE, (JOE,), JOE, {JOE: "en"})
    assert tuple(info.aliases) == OPENAI_VOICES


async def test_phrases_come_one_by_one_and_join_without_a_click(engine: Piper) -> None:
    text = "Well, this is a sentence. And here is another one, which is longer. And one more, at last!"
    chunks = [event for event in await events(engine, tts.Request(text=text)) if isinstance(event, tts.AudioChunk)]
    assert 3 < sum(len(chunk.pcm) for chunk in chunks) / 2 / RATE < 10
    assert set(edges_of_phrases(chunks)) == {0}


async def test_the_first_sound_needs_the_first_phrase_only(engine: Piper, monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine._workers is not None
    spoken: list[str] = []
    inner = engine._workers._speak

    async def counted(job: Phrase) -> bytes:
        spoken.append(job.text)
        return await inner(job)

    monkeypatch.setattr(engine._workers, "_speak", counted)
    async with aclosing(engine.stream(tts.Request(text="This is a beginning, and it goes on for long."))) as stream:
        while not isinstance(await anext(stream), tts.AudioChunk):
            pass
        assert spoken == ["This is a beginning, "]


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
async def test_the_speed_is_kept(engine: Piper, speed: float) -> None:
    text = "The quick brown fox jumps over the lazy dog and runs away."
    normal, other = len(await speak(engine, text)), len(await speak(engine, text, speed=speed))
    assert other / normal == pytest.approx(1 / speed, rel=0.25)


async def test_an_unknown_voice_names_the_choices(engine: Piper) -> None:
    with pytest.raises(InvalidRequest, match=JOE):
        engine.check(tts.Request(text="Hello.", voice="nobody"))


@pytest.mark.parametrize(
    "text", ["s'" * 80, "A." * 200, "U.S." * 100, f"www.{'abc.' * 60}com", "<break/> \0 \ud800 hello"]
)
async def test_texts_that_crash_espeak_are_spoken(engine: Piper, text: str) -> None:
    assert len(await speak(engine, text)) > 5_000


async def test_4096_characters_without_a_full_stop(engine: Piper) -> None:
    _, *_, finished = await events(engine, tts.Request(text=("and then some more " * 216)[:4096], speed=4.0))
    assert isinstance(finished, tts.Finished)
    assert finished.characters == 4096
    assert finished.seconds > 30


async def test_a_damaged_voice_is_named_when_it_is_loaded(tmp_path: Path) -> None:
    file = voice(tmp_path, "joe")
    file.write_bytes(b"this is no model")
    async with aclosing(Piper(Piper.Options(tts_model=str(tmp_path)))) as engine:
        engine.preflight()
        with pytest.raises(Unavailable, match=r"joe\.onnx' cannot be loaded"):
            await engine.warm_up()


async def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.local.requirements.find_spec", lambda _: None)
    with pytest.raises(BadOption, match=r"speech-gateway\[piper\]"):
        Piper(Piper.Options()).preflight()

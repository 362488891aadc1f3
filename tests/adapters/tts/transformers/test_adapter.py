"""VITS models made on the spot: languages, speakers, speeds, and what cannot be loaded."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio

pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("transformers", reason="needs transformers")

from adapters.contract import tts
from adapters.contract.errors import InvalidRequest, Unsupported, UpstreamError
from adapters.options import BadOption
from adapters.tts.transformers.adapter import TransformersSynthesiser
from adapters.tts.transformers.batched import PhraseJob
from tests.models.tiny_vits import build
from tests.support.device import DEVICE
from tests.support.synthesis import events, speak

pytestmark = pytest.mark.asyncio(loop_scope="module")


def made(model: Path | None, **languages: Path) -> TransformersSynthesiser:
    by_language = {language: str(path) for language, path in languages.items()}
    return TransformersSynthesiser(
        TransformersSynthesiser.Options(
            tts_model=str(model) if model else None, tts_language_models=by_language, tts_device=DEVICE
        )
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TransformersSynthesiser]:
    folder = tmp_path_factory.mktemp("vits")
    english, german = build(folder / "english", speakers=3), build(folder / "german")
    async with aclosing(made(english, en=english, de=german)) as synthesiser:
        synthesiser.preflight()
        await synthesiser.warm_up()
        yield synthesiser


async def test_info_is_that_of_the_models(engine: TransformersSynthesiser) -> None:
    info = engine.info
    assert (info.sample_rate, info.voices, info.default_voice) == (16_000, ("english", "german"), "english")
    assert info.voice_languages == {"english": "en", "german": "de"}


@pytest.mark.parametrize("voice", [None, "alloy", "english+2", "german"])
async def test_voices_speak(engine: TransformersSynthesiser, voice: str | None) -> None:
    assert len(await speak(engine, "hello there, how are you today", voice=voice)) > 1_000


async def test_the_model_follows_the_language(engine: TransformersSynthesiser, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    inner = engine._speak

    async def noted(job: PhraseJob) -> bytes:
        asked.append(Path(job.chosen.model).name)
        return await inner(job)

    monkeypatch.setattr(engine, "_speak", noted)
    for request in (
        tts.Request(text="hello", language="de"),
        tts.Request(text="hello", voice="english", language="de"),
    ):
        await events(engine, request)
    assert asked == ["german", "english"]


@pytest.mark.parametrize("speed", [0.25, 4.0])
async def test_the_speed_is_kept(engine: TransformersSynthesiser, speed: float) -> None:
    text = "hello there how are you today and tomorrow"
    normal, other = [len(await speak(engine, text, speed=each, voice="german")) for each in (1.0, speed)]
    assert other / normal == pytest.approx(1 / speed, rel=0.35)


@pytest.mark.parametrize("text", ["", "...", "好"])
async def test_text_without_known_characters_is_no_audio(engine: TransformersSynthesiser, text: str) -> None:
    assert len(await speak(engine, text)) == 0


@pytest.mark.parametrize("voice", ["nobody", "english+3", "english+x", "german+1"])
async def test_an_unknown_voice_names_the_choices(engine: TransformersSynthesiser, voice: str) -> None:
    with pytest.raises(InvalidRequest, match="english, german"):
        engine.check(tts.Request(text="hello", voice=voice))


async def test_a_language_without_a_model_is_unsupported(engine: TransformersSynthesiser) -> None:
    with pytest.raises(Unsupported, match="'fr', only de, en"):
        engine.check(tts.Request(text="hello", language="fr"))


async def test_models_of_different_rates_are_refused(tmp_path: Path) -> None:
    one, other = build(tmp_path / "one"), build(tmp_path / "other", rate=22_050)
    async with aclosing(made(one, de=other)) as engine:
        with pytest.raises(UpstreamError, match=r"16000 Hz.*22050 Hz"):
            await engine.warm_up()


async def test_a_model_with_a_damaged_file_is_named(tmp_path: Path) -> None:
    folder = build(tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"nothing")
    async with aclosing(made(folder)) as engine:
        engine.preflight()
        with pytest.raises(UpstreamError, match="damaged' could not be loaded"):
            await engine.warm_up()


async def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="needs a model"):
        made(None).preflight()
    with pytest.raises(BadOption, match="does not exist"):
        made(tmp_path / "nowhere").preflight()

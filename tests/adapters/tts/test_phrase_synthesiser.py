"""A synthesiser of phrases, before and after it has loaded a worker that makes tones."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.contract import tts
from adapters.contract.errors import InvalidRequest, TooLong, Unavailable
from adapters.options import BadOption
from adapters.tts import phrase_synthesiser
from adapters.tts.phrase_synthesiser import PhraseSynthesiser, Voices
from adapters.tts.phrase_workers import PhraseWorkers, Speaker
from tests.support.synthesis import speak

UNKNOWN = tts.Info(sample_rate=8_000, voices=(), default_voice="")
KNOWN = tts.Info(sample_rate=16_000, voices=("tone",), default_voice="tone")


class Tones(PhraseSynthesiser):
    """Makes tones if its folder is there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(adapter="tone", package="numpy", info=UNKNOWN)
        self.folder = folder

    def _source(self) -> Path:
        return self.folder

    def _find(self, place: Path) -> Voices:
        if not place.is_dir():
            raise BadOption("there is no folder")
        return Voices(files=(place.name,), info=KNOWN, speaker=self._known)

    @staticmethod
    def _known(name: str | None, _language: str | None) -> Speaker:
        if name not in (None, "tone"):
            raise InvalidRequest(f"There is no voice {name!r}.", adapter="tone", param="voice")
        return Speaker(voice="tone")


@pytest_asyncio.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tones]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(
        phrase_synthesiser,
        "PhraseWorkers",
        lambda _target, *files, adapter: PhraseWorkers("tone_worker:synthesiser", *files, adapter=adapter),
    )
    async with aclosing(Tones(tmp_path / "tone")) as tones:
        tones.folder.mkdir()
        yield tones


async def test_it_speaks_with_what_it_has_loaded(engine: Tones) -> None:
    engine.preflight()
    assert engine.info == UNKNOWN
    await engine.warm_up()
    assert engine.info == KNOWN
    assert len(await speak(engine, "One sentence here.")) == 18 * 160
    with pytest.raises(InvalidRequest, match="no voice 'nobody'"):
        engine.check(tts.Request(text="Hello.", voice="nobody"))
    with pytest.raises(TooLong):
        engine.check(tts.Request(text="a" * 5_001))


async def test_a_request_does_not_load_it(engine: Tones) -> None:
    with pytest.raises(Unavailable, match="The model of --tts tone is not loaded"):
        await speak(engine, "Hello.")


async def test_a_model_that_fails_to_load_speaks_to_nobody(engine: Tones) -> None:
    engine.folder.rename(engine.folder.with_name("damaged"))
    engine.folder = engine.folder.with_name("damaged")
    with pytest.raises(Unavailable, match="The model is damaged"):
        await engine.warm_up()
    with pytest.raises(Unavailable, match="not loaded"):
        await speak(engine, "Hello.")


def test_what_is_missing_is_said_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadOption, match="there is no folder"):
        Tones(tmp_path / "absent").preflight()
    monkeypatch.setattr("adapters.local.requirements.find_spec", lambda _: None)
    with pytest.raises(BadOption, match=r"--tts tone needs .*numpy.*speech-gateway\[tone\]"):
        Tones(tmp_path).preflight()

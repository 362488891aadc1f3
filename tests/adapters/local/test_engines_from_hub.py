"""Every engine that fetches weights, on a hub: fetched at its start, told, used from then on, and never in a request."""

import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")

from adapters.contract import vad
from adapters.contract.errors import Unavailable
from adapters.local import weights
from adapters.options import BadOption
from tests.support.hub_server import HubServer, hub_server, use_hub
from tests.support.recogniser_engine import asking, heard
from tests.support.server import question
from tests.support.synthesis import speak

pytestmark = pytest.mark.timeout(180)

SAMPLES = np.frombuffer(question()[44:], "<i2") / 32_768


async def hears(engine: Any) -> None:
    transcript, _ = await heard(engine, asking(SAMPLES))
    assert "capital of france" in transcript.text.lower()


async def speaks(engine: Any) -> None:
    spoken = await speak(engine, "The capital of France is Paris.", language="en")
    assert 1 < len(spoken) / engine.info.sample_rate < 5


async def detects(engine: Any) -> None:
    started, _ = engine.detector().feed(bytes(32_000) + question()[44:] + bytes(64_000))
    assert isinstance(started, vad.SpeechStarted)


class Case:
    """An engine without options for its model, what the hub has for it, and what it does with that.

    ``files`` has the names at the hub and those in the folder of the real ``model``.
    """

    def __init__(
        self, kind: str, model: str, repository: str, files: Mapping[str, str], works: Callable[[Any], Any]
    ) -> None:
        self.module, _, self.name = kind.partition(":")
        self.model, self.repository, self.files, self.works = model, repository, files, works

    @asynccontextmanager
    async def engine(self) -> AsyncGenerator[Any, None]:
        kind = getattr(import_module(self.module), self.name)
        async with aclosing(kind(kind.Options())) as engine:
            yield engine

    def lay_out(self, hub: Path, real_model: Path) -> None:
        for name, original in self.files.items():
            place = hub / self.repository / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(real_model / original)


JOE, LJSPEECH = "en_US-joe-medium.onnx", "en/en_US/ljspeech/medium/en_US-ljspeech-medium.onnx"

CASES = {
    "faster-whisper": Case(
        "adapters.stt.faster_whisper.adapter:FasterWhisper",
        "whisper-base",
        "Systran/faster-whisper-base",
        {name: name for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.json")},
        hears,
    ),
    "piper": Case(
        "adapters.tts.piper.adapter:Piper",
        "piper-joe",
        "rhasspy/piper-voices",
        {LJSPEECH: JOE, f"{LJSPEECH}.json": f"{JOE}.json"},
        speaks,
    ),
    "kokoro": Case(
        "adapters.tts.kokoro.adapter:Kokoro",
        "kokoro",
        "fastrtc/kokoro-onnx",
        {"kokoro-v1.0.onnx": "kokoro-v1.0.int8.onnx", "voices-v1.0.bin": "voices.bin"},
        speaks,
    ),
    "silero": Case(
        "adapters.vad.silero.adapter:Silero",
        "silero",
        "onnx-community/silero-vad",
        {"onnx/model.onnx": "silero_vad.onnx"},
        detects,
    ),
}

each_engine = pytest.mark.parametrize("name", CASES)


@pytest.fixture
def case(name: str, real_model: Callable[[str], Path]) -> Case:
    """One of ``CASES``, whose packages and model are here."""
    packages = {"faster-whisper": "faster_whisper", "piper": "piper", "kokoro": "kokoro_onnx", "silero": "onnxruntime"}
    pytest.importorskip(packages[name], reason=f"needs {name}")
    real_model(CASES[name].model)
    return CASES[name]


@each_engine
async def test_weights_are_fetched_at_the_start_and_in_no_request(
    case: Case,
    real_model: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    case.lay_out(tmp_path / "hub", real_model(case.model))
    monkeypatch.setattr(weights, "REPORT_SECONDS", -1)
    with hub_server(tmp_path / "hub") as hub, caplog.at_level(logging.INFO):
        use_hub(hub.url, tmp_path / "cache", monkeypatch)
        async with case.engine() as engine:
            engine.preflight()
            assert hub.files_asked() == [], "a check downloads nothing"
            await engine.warm_up()
            assert sorted(hub.files_asked()) == sorted(case.files)
            asked = len(hub.asked)
            await case.works(engine)
            assert len(hub.asked) == asked, "a request asked the hub"
    megabytes = round(sum((tmp_path / "hub" / case.repository / name).stat().st_size for name in case.files) / 1e6)
    assert f"downloads {case.repository} (once)" in caplog.text
    assert f"{case.repository}, {megabytes} of {megabytes} MB" in caplog.text
    assert f"has {case.repository}, after" in caplog.text
    # The hub is gone, the weights are here: the next start needs nobody.
    async with case.engine() as engine:
        engine.preflight()
        await engine.warm_up()
        await case.works(engine)


@each_engine
@pytest.mark.parametrize("offline", [True, False])
async def test_without_network_and_weights_one_line_names_the_files_and_their_place(
    case: Case, offline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_hub("http://127.0.0.1:9", tmp_path / "cache", monkeypatch, offline=offline)
    async with case.engine() as engine:
        with pytest.raises(BadOption) as refused:
            engine.preflight()
    line = str(refused.value)
    assert "\n" not in line
    assert "HF_HUB_OFFLINE forbids" in line if offline else "the request to the hub failed (ConnectError)" in line
    needed = [pattern for pattern in line.partition(" or put ")[2].partition(" of https://")[0].split(" and ")]
    assert needed
    assert all(any(Path(name).match(pattern) for name in case.files) for pattern in needed)
    assert f"https://huggingface.co/{case.repository} into a folder and give it as --" in line


@each_engine
async def test_a_hub_that_goes_away_in_between_ends_the_start_only(
    case: Case, real_model: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.lay_out(tmp_path / "hub", real_model(case.model))
    with hub_server(tmp_path / "hub") as hub:
        use_hub(hub.url, tmp_path / "cache", monkeypatch)
        async with case.engine() as engine:
            engine.preflight()
            hub.refuses = True
            with pytest.raises(Unavailable, match=f"'{case.repository}' .* is gated"):
                await engine.warm_up()
            asked = len(hub.asked)
            if case.works is not detects:
                with pytest.raises(Unavailable):
                    await case.works(engine)
            assert len(hub.asked) == asked, "a request asked the hub"

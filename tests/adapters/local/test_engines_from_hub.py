"""Every engine that fetches weights, on a hub: at its start, with progress, once, and never in a request."""

import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")

from adapters.contract import vad
from adapters.contract.errors import Unavailable
from adapters.local import weights
from adapters.options import BadOption
from tests.models import real
from tests.support.answers import answer, end_of, request
from tests.support.device import DEVICE
from tests.support.hub_server import hub_server, use_hub
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


async def writes(engine: Any) -> None:
    end_of(await answer(engine, request("hello", max_output_tokens=5)))


async def listens(engine: Any) -> None:
    await heard(engine, asking(SAMPLES))


async def makes_noise(engine: Any) -> None:
    assert len(await speak(engine, "hello there")) > 1_000


class Case:
    """An engine, what the hub has for it, and what it does with that; ``options`` where none are no model.

    ``files`` has the names at the hub and those in the folder that ``build`` gives; all of that folder if there are
    none.
    """

    def __init__(
        self,
        kind: str,
        build: Callable[[Path], Path],
        repository: str,
        works: Callable[[Any], Any],
        *,
        files: Mapping[str, str] = MappingProxyType({}),
        options: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.kind, self.build, self.repository, self.works = kind, build, repository, works
        self.files, self.options = files, options

    @asynccontextmanager
    async def engine(self) -> AsyncGenerator[Any, None]:
        module, _, name = self.kind.partition(":")
        kind = getattr(import_module(module), name)
        async with aclosing(kind(kind.Options(**self.options))) as engine:
            yield engine

    def lay_out(self, scratch: Path) -> set[str]:
        """Fill the hub in ``scratch``; the names of the files."""
        built = self.build(scratch / "built")
        files = self.files or {file.name: file.name for file in built.iterdir()}
        for name, original in files.items():
            place = scratch / "hub" / self.repository / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(built / original)
        return {*files}


def real_model(name: str, package: str) -> Callable[[Path], Path]:
    def build(_: Path) -> Path:
        pytest.importorskip(package, reason=f"needs {package}")
        return real.at_hand(name)

    return build


def tiny_model(module: str, function: str) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        pytest.importorskip("transformers", reason="needs transformers")
        folder.mkdir()
        getattr(import_module(f"tests.models.{module}"), function)(folder)
        return folder

    return build


JOE, LJSPEECH = "en_US-joe-medium.onnx", "en/en_US/ljspeech/medium/en_US-ljspeech-medium.onnx"

CASES = {
    "faster-whisper": Case(
        "adapters.stt.faster_whisper.adapter:FasterWhisper",
        real_model("whisper-base", "faster_whisper"),
        "Systran/faster-whisper-base",
        hears,
    ),
    "piper": Case(
        "adapters.tts.piper.adapter:Piper",
        real_model("piper-joe", "piper"),
        "rhasspy/piper-voices",
        speaks,
        files={LJSPEECH: JOE, f"{LJSPEECH}.json": f"{JOE}.json"},
    ),
    "kokoro": Case(
        "adapters.tts.kokoro.adapter:Kokoro",
        real_model("kokoro", "kokoro_onnx"),
        "fastrtc/kokoro-onnx",
        speaks,
        files={"kokoro-v1.0.onnx": "kokoro-v1.0.int8.onnx", "voices-v1.0.bin": "voices.bin"},
    ),
    "silero": Case(
        "adapters.vad.silero.adapter:Silero",
        real_model("silero", "onnxruntime"),
        "onnx-community/silero-vad",
        detects,
        files={"onnx/model.onnx": "silero_vad.onnx"},
    ),
    "transformers, recogniser": Case(
        "adapters.stt.transformers.adapter:TransformersRecogniser",
        tiny_model("tiny_ctc", "build_ctc"),
        "org/hears",
        listens,
        options={"stt_model": "org/hears", "stt_device": DEVICE},
    ),
    "transformers, synthesiser": Case(
        "adapters.tts.transformers.adapter:TransformersSynthesiser",
        tiny_model("tiny_vits", "build"),
        "org/speaks",
        makes_noise,
        options={"tts_model": "org/speaks", "tts_device": DEVICE},
    ),
    "transformers, language model": Case(
        "adapters.llm.transformers.adapter:TransformersLanguageModel",
        tiny_model("tiny_random", "build_llama"),
        "org/writes",
        writes,
        options={"model_name": "org/writes", "llm_device": DEVICE},
    ),
}

each_engine = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@each_engine
async def test_weights_are_fetched_at_the_start_and_in_no_request(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names = case.lay_out(tmp_path)
    monkeypatch.setattr(weights, "REPORT_SECONDS", -1)
    with hub_server(tmp_path / "hub") as hub, caplog.at_level(logging.INFO):
        use_hub(hub.url, tmp_path / "cache", monkeypatch)
        async with case.engine() as engine:
            engine.preflight()
            assert hub.files_asked() == [], "a check downloads nothing"
            await engine.warm_up()
            assert {*hub.files_asked()} == names
            asked = len(hub.asked)
            await case.works(engine)
            assert len(hub.asked) == asked, "a request asked the hub"
    megabytes = round(sum((tmp_path / "hub" / case.repository / name).stat().st_size for name in names) / 1e6)
    assert f"downloads {case.repository} (once)" in caplog.text
    assert f"{case.repository}, {megabytes} of {megabytes} MB" in caplog.text
    assert f"has {case.repository}, after" in caplog.text
    # The hub is gone, the weights are here: the next start needs nobody.
    use_hub("http://127.0.0.1:9", tmp_path / "cache", monkeypatch, offline=True)
    async with case.engine() as engine:
        engine.preflight()
        await engine.warm_up()
        await case.works(engine)


@each_engine
@pytest.mark.parametrize("offline", [True, False])
async def test_without_network_and_weights_one_line_names_the_files_and_their_place(
    case: Case, offline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = case.lay_out(tmp_path)
    use_hub("http://127.0.0.1:9", tmp_path / "cache", monkeypatch, offline=offline)
    async with case.engine() as engine:
        with pytest.raises(BadOption) as refused:
            engine.preflight()
    line = str(refused.value)
    assert "\n" not in line
    assert "HF_HUB_OFFLINE forbids" in line if offline else "the request to the hub failed (ConnectError)" in line
    wanted, _, place = line.partition(" put ")[2].partition(f" of https://huggingface.co/{case.repository} ")
    assert place.startswith("into a folder and give it as --")
    assert wanted == "the files" or all(
        any(Path(name).match(pattern) for name in names) for pattern in wanted.split(" and ")
    )


@each_engine
async def test_a_hub_that_goes_away_in_between_ends_the_start_only(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.lay_out(tmp_path)
    with hub_server(tmp_path / "hub") as hub:
        use_hub(hub.url, tmp_path / "cache", monkeypatch)
        async with case.engine() as engine:
            engine.preflight()
            hub.refuses = True
            with pytest.raises(Unavailable, match=f"'{case.repository}' .* is gated"):
                await engine.warm_up()
            asked = len(hub.asked)
            if case.works is not detects:  # a detector has no way to say it
                with pytest.raises(Unavailable):
                    await case.works(engine)
            assert len(hub.asked) == asked, "a request asked the hub"

"""What cannot be loaded is said before anything is."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from adapters.contract.errors import UpstreamError
from adapters.local import requirements
from adapters.local.weights import HubFiles
from adapters.options import BadOption
from adapters.stt.faster_whisper import loader
from adapters.stt.faster_whisper.adapter import FasterWhisper

ctranslate2 = pytest.importorskip("ctranslate2", reason="needs faster-whisper")


def engine(**options: Any) -> FasterWhisper:
    return FasterWhisper(FasterWhisper.Options(**options))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"stt_device": "mps"}, "--stt_device 'mps' is not available to CTranslate2"),
        ({"stt_device": "cuda:63"}, "--stt_device 'cuda:63' is not available"),
        ({"stt_device": "cpu", "stt_compute_type": "int3"}, "--stt_compute_type 'int3' is not one that cpu has here: "),
        ({"stt_model": "./absent"}, "--stt_model './absent' does not exist"),
    ],
)
def test_options_that_cannot_work(options: dict[str, Any], names: str) -> None:
    with pytest.raises(BadOption, match=names):
        engine(**options).preflight()


def test_a_folder_without_its_files(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match=r"is not a folder with a config\.json"):
        engine(stt_model=str(tmp_path)).preflight()
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadOption, match=r"lacks model\.bin and tokenizer\.json; give .* one of tiny\.en, tiny"):
        engine(stt_model=str(tmp_path)).preflight()


@pytest.mark.parametrize(
    ("model", "repository"),
    [
        ("base", "Systran/faster-whisper-base"),
        ("large-v3-turbo", "mobiuslabsgmbh/faster-whisper-large-v3-turbo"),
        ("tiny.en", "Systran/faster-whisper-tiny.en"),
        ("owner/name", "owner/name"),
    ],
)
def test_a_size_is_a_repository(model: str, repository: str) -> None:
    found = loader.source(model)
    assert isinstance(found, HubFiles)
    assert found.repository == repository


def test_the_repositories_are_those_of_the_library() -> None:
    from faster_whisper.utils import _MODELS  # noqa: PLC0415

    assert loader.REPOSITORIES.items() <= _MODELS.items()


def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "find_spec", lambda _: None)
    with pytest.raises(BadOption, match=r"pip install 'speech-gateway\[faster-whisper\]'"):
        engine().preflight()


@pytest.mark.parametrize(("gpus", "device", "model"), [(0, ("cpu", 0), "base"), (2, ("cuda", 0), "large-v3-turbo")])
def test_device_and_size_are_chosen(
    monkeypatch: pytest.MonkeyPatch, gpus: int, device: tuple[str, int], model: str
) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: gpus)
    assert loader.split_device(None) == device
    assert loader.default_model(None) == model
    assert loader.split_device("cuda:1") == ("cuda", 1)
    assert loader.default_model("cpu") == "base"


async def test_a_corrupt_file(tmp_path: Path, real_model: Callable[[str], Path]) -> None:
    broken = copytree(real_model("whisper-base"), tmp_path / "broken", symlinks=True)
    data = (broken / "model.bin").read_bytes()
    (broken / "model.bin").write_bytes(data[: len(data) // 2])
    recogniser = engine(stt_model=str(broken), stt_device="cpu")
    recogniser.preflight()
    with pytest.raises(UpstreamError, match=r"could not be loaded: .* its files must be complete"):
        await recogniser.warm_up()
    await recogniser.aclose()

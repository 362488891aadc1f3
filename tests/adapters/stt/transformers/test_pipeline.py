"""What cannot be loaded, and the words in what a pipeline gives."""

import re
from pathlib import Path

import pytest

from adapters.contract import stt
from adapters.contract.errors import UpstreamError
from tests.models import tiny_whisper
from tests.support.device import DEVICE
from tests.support.recogniser_engine import loaded

pipeline = pytest.importorskip("adapters.stt.transformers.pipeline", reason="needs torch")


async def test_what_is_no_recognition_model_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UpstreamError, match="must be a model for automatic speech recognition"):
        async with loaded(tmp_path):
            pass


async def test_torch_is_set_up_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    set_up: list[str] = []
    monkeypatch.setattr(pipeline.devices, "configure", lambda device: set_up.append(device.type))
    async with loaded(tiny_whisper.trained()):
        assert set_up == [DEVICE]


def test_words_lose_markers_and_the_last_one_may_have_no_end() -> None:
    chunks = [
        {"text": " what", "timestamp": (0.0, 0.5)},
        {"text": "<s>", "timestamp": (0.5, 0.6)},
        {"text": " is it", "timestamp": (0.6, None)},
    ]
    assert pipeline.words({"chunks": chunks}, re.compile("<s>")) == (
        stt.Word(text="what", start=0.0, end=0.5),
        stt.Word(text="is it", start=0.6, end=0.6),
    )

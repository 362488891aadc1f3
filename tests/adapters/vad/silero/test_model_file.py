"""Where the model is looked for."""

import sys
from pathlib import Path

import pytest

from adapters.options import BadOption
from adapters.vad.silero.model_file import find_file


def test_a_file_that_is_given_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="is no file"):
        find_file(str(tmp_path / "no.onnx"))


def test_the_package_is_searched_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "silero_vad" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise ImportError('torch')")
    (data / "silero_vad.onnx").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_file(None) == data / "silero_vad.onnx"
    assert "silero_vad" not in sys.modules


def test_without_the_package_it_is_said_how_to_get_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.vad.silero.model_file.find_spec", lambda _: None)
    with pytest.raises(BadOption, match="--no-deps silero-vad"):
        find_file(None)

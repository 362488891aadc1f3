"""What is said of files that are not the model."""

from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from adapters.options import BadOption
from adapters.vad.silero.model import SileroModel


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"<html>")
    with pytest.raises(BadOption, match=r"bad\.onnx' is not Silero's model"):
        SileroModel(tmp_path / "bad.onnx")

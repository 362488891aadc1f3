"""Where the model is looked for."""

from pathlib import Path

import pytest

from adapters.options import BadOption
from adapters.vad.silero.model_file import ON_HUB, source


def test_a_file_that_is_given_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match=r"--vad_model '.*no\.onnx' is not a file"):
        source(str(tmp_path / "no.onnx"))
    (tmp_path / "yes.onnx").touch()
    assert source(str(tmp_path / "yes.onnx")) == tmp_path / "yes.onnx"


def test_without_one_it_is_that_of_the_hub() -> None:
    assert source(None) is ON_HUB
    assert "put onnx/model.onnx of https://huggingface.co/onnx-community/silero-vad" in ON_HUB.instead

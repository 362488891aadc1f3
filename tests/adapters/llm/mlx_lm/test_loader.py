"""How a model is loaded, and why one is refused."""

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from adapters.contract.errors import UpstreamError
from tests.support.mlx_engine import loaded


async def test_loading_is_told_at_its_beginning_and_its_end(tiny_qwen: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with loaded(tiny_qwen):
        lines = [line.getMessage() for line in caplog.records if line.getMessage().startswith("mlx-lm: load")]
    assert len(lines) == 2
    assert all(str(tiny_qwen) in line for line in lines)


def _without_template(model: Path) -> None:
    (model / "chat_template.jinja").unlink()


def _without_weights(model: Path) -> None:
    (model / "model.safetensors").unlink()


def _broken_weights(model: Path) -> None:
    (model / "model.safetensors").write_bytes(b"no weights")


def _unknown(model: Path) -> None:
    config = (model / "config.json").read_text()
    (model / "config.json").write_text(config.replace('"qwen3"', '"abacus"'))


def _with_code(model: Path) -> None:
    config = (model / "config.json").read_text()
    (model / "config.json").write_text(config.replace("{", '{"model_file": "model.py",', 1))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_without_template, "no chat template"),
        (_without_weights, "missing, broken or of another model"),
        (_broken_weights, "missing, broken or of another model"),
        (_unknown, "does not know its architecture"),
        (_with_code, "--llm_trust_remote_code"),
    ],
)
async def test_a_model_that_does_not_load_says_why(tiny_qwen: Path, tmp_path: Path, spoil: Any, said: str) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_qwen, model)
    spoil(model)
    with pytest.raises(UpstreamError, match=said):
        async with loaded(model):
            pass

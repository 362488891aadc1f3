"""What is found wrong before anything loads, and what a model that does not load says."""

import logging
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from adapters.contract.errors import UpstreamError
from adapters.llm.mlx_lm.adapter import MlxLanguageModel
from adapters.local import requirements
from adapters.options import BadOption
from tests.support.mlx_engine import loaded


def preflight(model: Path | str, **options: Any) -> None:
    MlxLanguageModel(MlxLanguageModel.Options(model_name=str(model), **options)).preflight()


def test_a_model_that_is_there_with_parameters_that_are_known_passes(tiny_qwen: Path) -> None:
    known = {"max_new_tokens": 5, "top_k": 20, "min_p": 0.1, "xtc_probability": 0.2, "num_beams": 2}
    preflight(tiny_qwen, llm_gen=known | {"logit_bias": {"5": -1}, "repetition_context_size": 64})


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"top_ks": 1}, "nearest is --llm_gen_top_k"),
        ({"top_p": 1.5}, r"--llm_gen_top_p 1\.5 is not possible: Expected `float` <= 1\.0"),
        ({"top_k": 2.5}, "--llm_gen_top_k"),
        ({"xtc_threshold": 0.9}, "--llm_gen_xtc_threshold"),
        ({"logit_bias": {"word": 1}}, "--llm_gen_logit_bias"),
        ({"max_new_tokens": 0}, "--llm_gen_max_new_tokens"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_parameter_that_cannot_be_is_named(tiny_qwen: Path, parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOption, match=said):
        preflight(tiny_qwen, llm_gen=parameters)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="does not exist"):
        preflight(tmp_path / "nothing")


def test_a_model_that_sees_needs_its_package(tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name == "mlx_vlm" else find_spec(name))
    preflight(tiny_qwen)
    with pytest.raises(BadOption, match=r"--llm_is_vlm .* \(mlx_vlm\): pip install 'speech-gateway\[mlx-vlm\]'"):
        preflight(tiny_qwen, llm_is_vlm=True)


async def test_parameters_without_effect_are_named_once(tiny_qwen: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with loaded(tiny_qwen, llm_gen={"num_beams": 2, "top_k": 3, "max_new_tokens": 9}):
        (line,) = [line.getMessage() for line in caplog.records if "without effect" in line.getMessage()]
        assert line == "mlx-lm: without effect here: --llm_gen_num_beams."


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


def test_a_model_is_named() -> None:
    with pytest.raises(BadOption, match="--model_name"):
        MlxLanguageModel(MlxLanguageModel.Options())

"""What is found wrong before anything loads, and what a model that does not load says."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

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
        ({"top_p": 1.5}, "--llm_gen_top_p 1.5 is not possible"),
        ({"max_new_tokens": 0}, "--llm_gen_max_new_tokens"),
    ],
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


def test_a_model_is_named() -> None:
    with pytest.raises(BadOption, match="--model_name"):
        MlxLanguageModel(MlxLanguageModel.Options())

"""What is told in one line before anything binds."""

import importlib.util
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from adapters.llm.transformers.adapter import TransformersLanguageModel
from adapters.options import BadOption


def engine(model: Path | str, **options: Any) -> TransformersLanguageModel:
    return TransformersLanguageModel(TransformersLanguageModel.Options(model_name=str(model), **options))


def test_a_model_that_is_there_passes(tiny_llama: Path) -> None:
    known = {"top_k": 20, "repetition_penalty": 1.1, "frequency_penalty": 0.5, "num_beams": 2, "seed": 1}
    engine(tiny_llama, llm_device="cpu", llm_gen=known | {"max_new_tokens": 5}).preflight()


def test_it_does_not_import_torch(tiny_llama: Path) -> None:
    code = (
        "import sys\nfrom adapters.llm.transformers.adapter import TransformersLanguageModel\n"
        "assert 'transformers' not in sys.modules\n"
        f"options = TransformersLanguageModel.Options(model_name={str(tiny_llama)!r}, llm_gen={{'top_k': 3}})\n"
        "TransformersLanguageModel(options).preflight()\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[4])


def test_an_unknown_parameter_is_refused_with_the_nearest_name(tiny_llama: Path) -> None:
    with pytest.raises(BadOption, match=r"--llm_gen_topk.*--llm_gen_top_k"):
        engine(tiny_llama, llm_gen={"topk": 3}).preflight()


@pytest.mark.parametrize("device", ["cuda:99", "mps", "nonsense", "meta"])
def test_a_device_that_is_not_there_is_refused(tiny_llama: Path, device: str) -> None:
    with pytest.raises(BadOption, match=f"--llm_device '{device}' is not available"):
        engine(tiny_llama, llm_device=device).preflight()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="--model_name"):
        engine(tmp_path / "nothing").preflight()


def test_a_missing_extra_is_named(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def without_torch(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "torch" else real(name, package)

    monkeypatch.setattr("adapters.local.requirements.find_spec", without_torch)
    with pytest.raises(BadOption, match=r"torch.*pip install 'speech-gateway\[transformers\]'"):
        engine(tiny_llama).preflight()


def test_a_model_is_named() -> None:
    with pytest.raises(BadOption, match="--model_name"):
        TransformersLanguageModel(TransformersLanguageModel.Options())

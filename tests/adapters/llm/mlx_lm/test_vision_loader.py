"""Why a vision model is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from adapters.contract.errors import UpstreamError
from tests.support.mlx_engine import loaded

# It brings some 600 MB (OpenCV, pyarrow, pandas and more), so it is not among what tests need.
pytest.importorskip("mlx_vlm", reason="goes without mlx-vlm")


async def test_a_model_with_code_of_its_own_is_not_run_unasked(tiny_qwen_vl: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_qwen_vl, model)
    config: dict[str, Any] = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"model_file": "model.py"}))
    (model / "model.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    with pytest.raises(UpstreamError, match="--llm_trust_remote_code"):
        async with loaded(model, llm_is_vlm=True):
            pass
    assert not (tmp_path / "ran").exists()


async def test_a_model_that_it_does_not_know_says_so(tiny_qwen_vl: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_qwen_vl, model)
    config = (model / "config.json").read_text()
    (model / "config.json").write_text(config.replace('"qwen2_vl"', '"abacus"'))
    with pytest.raises(UpstreamError, match="does not know its architecture"):
        async with loaded(model, llm_is_vlm=True):
            pass

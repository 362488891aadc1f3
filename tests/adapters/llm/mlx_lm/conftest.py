"""The models that only these tests need, each built once, and an engine that generates in either way."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.llm.mlx_lm.adapter import MlxLanguageModel
from tests.support.mlx_engine import loaded

for _package in ("mlx_lm", "torch", "transformers"):
    pytest.importorskip(_package, reason=f"needs {_package}")


@pytest.fixture(scope="session")
def tiny_qwen_vl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.models.tiny_qwen_vl import build  # noqa: PLC0415 - imports mlx_vlm

    folder = tmp_path_factory.mktemp("tiny-qwen-vl")
    build(folder)
    return folder


@pytest.fixture(params=[8, 1], ids=["batched", "sequential"])
async def engine(request: pytest.FixtureRequest, tiny_qwen: Path) -> AsyncGenerator[MlxLanguageModel, None]:
    async with loaded(tiny_qwen, llm_max_parallel=request.param) as engine:
        assert engine.info.max_parallel == request.param
        yield engine

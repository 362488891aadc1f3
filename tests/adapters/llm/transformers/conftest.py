"""The models that only these tests need, each built once, and an engine that generates in either way."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from adapters.llm.transformers.adapter import TransformersLanguageModel
from tests.support.transformers_engine import loaded

for _package in ("torch", "transformers", "accelerate"):
    pytest.importorskip(_package, reason=f"needs {_package}")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    import torch  # noqa: PLC0415 - only where it is installed

    torch.set_num_threads(1)  # more only wait for each other at this size


@pytest.fixture(scope="session")
def tiny_gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.models.tiny_random import build_gemma  # noqa: PLC0415 - imports torch

    folder = tmp_path_factory.mktemp("tiny-gemma")
    build_gemma(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.models.tiny_random import build_llava  # noqa: PLC0415 - imports torch

    folder = tmp_path_factory.mktemp("tiny-llava")
    build_llava(folder)
    return folder


@pytest.fixture(params=[8, 1], ids=["batched", "sequential"])
async def engine(request: pytest.FixtureRequest, tiny_qwen: Path) -> AsyncGenerator[TransformersLanguageModel, None]:
    async with loaded(tiny_qwen, llm_max_parallel=request.param) as engine:
        assert engine.info.max_parallel == request.param
        yield engine

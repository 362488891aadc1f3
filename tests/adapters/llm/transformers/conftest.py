"""The models that only these tests need, each built once."""

from pathlib import Path

import pytest

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

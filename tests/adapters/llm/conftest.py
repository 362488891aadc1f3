"""The models that the tests of more than one local backend need, each built once."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.models.tiny_random import build_llama  # noqa: PLC0415 - imports torch

    folder = tmp_path_factory.mktemp("tiny-llama")
    build_llama(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_mamba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.models.tiny_random import build_mamba  # noqa: PLC0415 - imports torch

    folder = tmp_path_factory.mktemp("tiny-mamba")
    build_mamba(folder)
    return folder

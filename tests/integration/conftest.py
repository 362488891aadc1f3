"""The servers, each started once when a test first asks for it and stopped at the end of the session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.servers import RECOGNISER, build_models, running, tools_folder


@pytest.fixture(scope="session")
def tools() -> Path:
    return tools_folder()


@pytest.fixture(scope="session")
def models(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    build_models(tools, folder)
    return folder


@pytest.fixture(scope="session")
def transformers_serve(tools: Path, models: Path) -> Iterator[str]:
    with running("transformers_serve", tools, models) as base_url:
        yield base_url


@pytest.fixture(scope="session")
def recognising_server(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``transformers serve`` with the tiny Whisper."""
    for package in ("torch", "transformers"):
        pytest.importorskip(package, reason=f"needs {package}")
    from tests.models.tiny_whisper import trained  # noqa: PLC0415 - imports torch

    folder = tmp_path_factory.mktemp("recogniser")
    (folder / RECOGNISER).symlink_to(trained())
    with running("transformers_serve_recogniser", tools, folder) as base_url:
        yield base_url


@pytest.fixture(scope="session")
def mlx_lm(tools: Path, models: Path) -> Iterator[str]:
    with running("mlx_lm", tools, models) as base_url:
        yield base_url


@pytest.fixture(scope="session")
def llama_cpp_python(tools: Path, models: Path) -> Iterator[str]:
    with running("llama_cpp_python", tools, models) as base_url:
        yield base_url

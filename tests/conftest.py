"""A test that lacks a tool from outside is skipped as "needs <tool>"; where tools must be there, it fails instead."""

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("REQUIRE_TOOLS") and ": needs " in _reason(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped for want of a tool, with REQUIRE_TOOLS set: {_reason(report.longrepr)}"
    return report


def _reason(skipped: Any) -> str:
    return str(skipped[2]) if isinstance(skipped, tuple) else str(skipped)


@pytest.fixture(scope="session")
def tiny_qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny Qwen3, trained on ``tests/models/training_data.py``; transformers and mlx-lm load it."""
    for package in ("torch", "transformers"):
        pytest.importorskip(package, reason=f"needs {package}")
    import torch  # noqa: PLC0415 - only where the packages are

    from tests.models.tiny_qwen import build  # noqa: PLC0415

    torch.set_num_threads(1)  # more only wait for each other at this size
    folder = tmp_path_factory.mktemp("tiny-qwen")
    build(folder)
    return folder


@pytest.fixture(scope="session")
def real_model() -> Callable[[str], Path]:
    """Gives the folder of a real model by its name in ``tests/models/real.py``, or skips the test."""
    from tests.models import real  # noqa: PLC0415 - only tests of models need it

    def folder(name: str) -> Path:
        home = real.at_hand(name)
        if home is None:
            pytest.skip(f"no real models at hand: {name} (python -m tests.models.real {name})")
        return home

    return folder

"""A test that lacks a tool is skipped as "needs …", or fails where tools must be there; names of tests; a model."""

import os
import ssl
import tempfile
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

# Neither a hub of models nor what somebody downloaded before decides what tests see, here and in child processes.
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HOME": str(Path(tempfile.gettempdir()) / "speech-gateway-tests-no-hub")}


@pytest.fixture(scope="session", autouse=True)
def certificates() -> Iterator[None]:
    """Has clients share the system's certificates: each of some thousand would read all of them anew."""
    create = httpx.create_ssl_context

    @cache
    def created(_from: tuple[str | None, ...], **asked: Any) -> ssl.SSLContext:
        return create(**asked)

    def shared(**asked: Any) -> ssl.SSLContext:
        return created((os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")), **asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", shared)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("REQUIRE_TOOLS") and ": needs " in _reason(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped for want of a tool, with REQUIRE_TOOLS set: {_reason(report.longrepr)}"
    return report


def _reason(skipped: Any) -> str:
    return str(skipped[2]) if isinstance(skipped, tuple) else str(skipped)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name tests by no bytes: those of encoders hold random numbers and times, and processes have to agree on names."""
    return argname if isinstance(val, bytes) else None


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

    return real.at_hand

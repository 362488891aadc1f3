"""A test that lacks a tool from outside is skipped as "needs <tool>"; where tools must be there, it fails instead."""

import os
from collections.abc import Generator
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

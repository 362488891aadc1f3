"""A Whisper that is trained once for all these tests."""

import pytest

from adapters.stt.transformers.adapter import TransformersRecogniser
from tests.support.recogniser_engine import loaded

for _package in ("torch", "transformers"):
    pytest.importorskip(_package, reason=f"needs {_package}")


@pytest.fixture
async def whisper() -> TransformersRecogniser:
    from tests.models.tiny_whisper import trained  # noqa: PLC0415 - imports torch

    return await loaded(trained())

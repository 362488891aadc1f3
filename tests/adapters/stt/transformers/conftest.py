"""A Whisper that is trained once for all these tests."""

from collections.abc import AsyncGenerator

import pytest

from adapters.stt.transformers.adapter import TransformersRecogniser
from tests.support.recogniser_engine import loaded

for _package in ("torch", "transformers"):
    pytest.importorskip(_package, reason=f"needs {_package}")


@pytest.fixture
async def whisper() -> AsyncGenerator[TransformersRecogniser, None]:
    from tests.models.tiny_whisper import trained  # noqa: PLC0415 - imports torch

    async with loaded(trained()) as engine:
        yield engine

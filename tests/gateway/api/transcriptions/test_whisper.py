"""A trained Whisper behind the routes: what it was taught is what clients read."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from openai import AsyncOpenAI

from adapters.stt.transformers.adapter import TransformersRecogniser
from tests.models.training_data import CAPITAL
from tests.support.server import QUESTION, gateway_of, scripted_engines, served

for _package in ("torch", "transformers"):
    pytest.importorskip(_package, reason=f"needs {_package}")


@pytest.fixture
async def client() -> AsyncGenerator[AsyncOpenAI, None]:
    from tests.models.tiny_whisper import trained  # noqa: PLC0415 - imports torch

    options = TransformersRecogniser.Options(stt_model=str(trained()), stt_device="cpu")
    async with (
        served(gateway_of(scripted_engines(stt=TransformersRecogniser(options)))) as address,
        AsyncOpenAI(base_url=f"{address}/v1", api_key="sk-local", max_retries=0) as client,
    ):
        yield client


async def test_the_prompt_the_language_and_the_times_reach_the_model(client: AsyncOpenAI) -> None:
    from tests.models.tiny_whisper import PROMPT, PROMPTED  # noqa: PLC0415 - imports torch

    create = client.audio.transcriptions.create
    assert (await create(model="whisper-1", file=QUESTION)).text == CAPITAL
    assert (await create(model="whisper-1", file=QUESTION, prompt=PROMPT)).text == PROMPTED
    verbose: Any = await create(
        model="whisper-1",
        file=QUESTION,
        language="english",
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert (verbose.language, verbose.text) == ("english", CAPITAL)
    assert " ".join(word.word for word in verbose.words) == CAPITAL
    subtitles: Any = await create(model="whisper-1", file=QUESTION, response_format="vtt")
    assert CAPITAL in subtitles

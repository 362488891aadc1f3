"""The engines ``openai`` on a second gateway in a process of its own: it hears and speaks for the first one."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import httpx
import numpy as np
import pytest

from adapters.contract.errors import InvalidRequest
from adapters.options import Secret
from adapters.stt.openai.adapter import OpenAIRecogniser
from adapters.tts.openai.adapter import OpenAISynthesiser
from tests.support.recogniser_engine import asking, heard
from tests.support.server import question
from tests.support.synthesis import speak

pytestmark = pytest.mark.timeout(180)


@asynccontextmanager
async def second_gateway() -> AsyncGenerator[str, None]:
    """A gateway with the embedded engines; its base URL."""
    command = [sys.executable, "-c", "import sys; from gateway.cli.main import main; sys.exit(main())", "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--llm_backend",
        "echo",
        "--stt",
        "pocketsphinx",
        "--tts",
        "espeak",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(90):
            found = re.search(rb"http://127\.0\.0\.1:\d+", await process.stdout.readline())
            assert found is not None
            async with httpx.AsyncClient(base_url=found[0].decode()) as client:
                while (await client.get("/ready")).status_code != 200:
                    await asyncio.sleep(0.05)
        yield f"{found[0].decode()}/v1"
    finally:
        process.terminate()
        await process.wait()


async def test_it_is_heard_and_spoken_by_the_other_one() -> None:
    async with second_gateway() as address:
        options = OpenAIRecogniser.Options(stt_base_url=address, stt_api_key=Secret(""))
        async with aclosing(OpenAIRecogniser(options)) as recogniser:
            await recogniser.warm_up()
            samples = np.frombuffer(question()[44:], "<i2") / 32_768
            transcript, _ = await heard(recogniser, asking(samples, word_times=True))
            assert transcript.text == "what is the capital of france"
            assert len(transcript.words) == 6
        for response_format in ("pcm", "wav", "mp3"):
            speech = OpenAISynthesiser.Options(
                tts_base_url=address, tts_api_key=Secret(""), tts_response_format=response_format
            )
            async with aclosing(OpenAISynthesiser(speech)) as synthesiser:
                await synthesiser.warm_up()
                spoken = await speak(synthesiser, "The capital of France is Paris.", voice="nova")
                assert 1 < len(spoken) / synthesiser.info.sample_rate < 4
                with pytest.raises(InvalidRequest, match="nobody"):
                    await speak(synthesiser, "Hello.", voice="nobody")

"""The recogniser ``openai`` on ``transformers serve``, which streams bare text and gives no times."""

from contextlib import aclosing
from typing import Any

import httpx
import numpy as np
import pytest

from adapters.contract import stt
from adapters.contract.checks import read, stt_grammar
from adapters.contract.errors import Unsupported
from adapters.options import Secret
from adapters.stt.openai.adapter import OpenAIRecogniser
from tests.integration.servers import RECOGNISER
from tests.support.recogniser_engine import asking
from tests.support.server import question

pytestmark = pytest.mark.timeout(180)

SAMPLES = np.frombuffer(question()[44:], "<i2") / 32_768


def engine(server: str) -> OpenAIRecogniser:
    options = OpenAIRecogniser.Options(stt_base_url=server, stt_api_key=Secret(""), stt_model=RECOGNISER)
    return OpenAIRecogniser(options)


async def events(recogniser: OpenAIRecogniser, **wanted: Any) -> list[Any]:
    found = await read(recogniser.stream(asking(SAMPLES, **wanted)))
    stt_grammar(found)
    return list(found)


async def test_it_is_understood_whole_and_streamed(recognising_server: str) -> None:
    async with httpx.AsyncClient(base_url=recognising_server, timeout=60) as client:
        recording = {"file": ("question.wav", question())}
        answer = await client.post("/audio/transcriptions", data={"model": RECOGNISER}, files=recording)
    said = answer.json()["text"].strip()
    assert said.startswith("what is")
    async with aclosing(engine(recognising_server)) as recogniser:
        await recogniser.warm_up()
        _, *partial, final, finished = await events(recogniser)
        assert (partial, final.text, finished.language) == ([], said, None)
        _, *partial, final, finished = await events(recogniser, language="en")
        assert (final.text, finished.language) == (said, "en")
        assert [each.stable for each in partial if isinstance(each, stt.PartialTranscript)][-1] == said
        assert len(partial) > 1, "it comes piece by piece"


async def test_times_that_it_does_not_give_are_named(recognising_server: str) -> None:
    async with aclosing(engine(recognising_server)) as recogniser:
        with pytest.raises(Unsupported, match=r"gives no times with this model; choose another --stt_model"):
            await events(recogniser, word_times=True)
        assert (await events(recogniser))[-2].text

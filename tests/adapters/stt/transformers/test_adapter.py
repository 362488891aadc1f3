"""The recogniser in process: what it says of itself, what it refuses, its beginning and end."""

from typing import Any

import numpy as np
import pytest

from adapters.contract.errors import AdapterError, InvalidRequest, Unavailable, Unsupported
from adapters.options import BadOption
from adapters.stt.transformers.adapter import TransformersRecogniser
from tests.models import tiny_whisper
from tests.support.device import DEVICE
from tests.support.recogniser_engine import asking, heard

QUESTION, LIGHTS, GREETING = tiny_whisper.recordings()


async def test_what_the_model_says_of_itself(whisper: TransformersRecogniser) -> None:
    assert set(whisper.info.languages or ()) == {"en", "de"}
    assert (whisper.info.word_times, whisper.info.max_parallel, whisper.failure) == (True, 8, None)


async def test_too_short_for_a_word(whisper: TransformersRecogniser) -> None:
    transcript, finished = await heard(whisper, asking(np.zeros(1000)))
    assert (transcript.text, finished.seconds) == ("", 0.0625)


@pytest.mark.parametrize(
    ("wanted", "error", "names"),
    [
        ({"language": "fr"}, Unsupported, "'fr'"),
        ({"prompt": "<|en|> hello"}, InvalidRequest, "special token of the model"),
    ],
)
async def test_requests_that_cannot_be_met(
    whisper: TransformersRecogniser, wanted: dict[str, Any], error: type[AdapterError], names: str
) -> None:
    with pytest.raises(error, match=names):
        await heard(whisper, asking(QUESTION.samples, **wanted))


async def test_before_it_is_loaded_and_after_it_is_closed() -> None:
    options = TransformersRecogniser.Options(stt_model=str(tiny_whisper.trained()), stt_device=DEVICE)
    engine = TransformersRecogniser(options)
    with pytest.raises(Unavailable, match="it was not started"):
        await heard(engine, asking(QUESTION.samples))
    assert engine.failure is None
    await engine.warm_up()
    for _ in range(2):
        await engine.aclose()
    with pytest.raises(Unavailable, match="it has been shut down"):
        await heard(engine, asking(QUESTION.samples))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"stt_model": "./absent"}, "--stt_model './absent' does not exist"),
        ({"stt_model": "./absent", "stt_device": "cuda:63"}, "--stt_device 'cuda:63' is not available"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_loaded(options: dict[str, Any], names: str) -> None:
    with pytest.raises(BadOption, match=names):
        TransformersRecogniser(TransformersRecogniser.Options(**options)).preflight()

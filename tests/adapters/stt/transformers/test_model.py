"""The model stops when its reader leaves, and is as it was after each utterance."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from adapters.stt.recognition import SAMPLE_RATE
from adapters.stt.transformers.adapter import TransformersRecogniser
from tests.models import tiny_whisper
from tests.support.recogniser_engine import asking, heard, pipeline_of

QUESTION, LIGHTS, GREETING = tiny_whisper.recordings()


def windows(*recordings: tiny_whisper.Recording) -> Any:
    """The recordings one after the other, each filling what the model hears at once."""
    length = tiny_whisper.WINDOW_SECONDS * SAMPLE_RATE
    return np.concatenate([np.pad(each.samples, (0, length - len(each.samples))) for each in recordings])


async def test_asking_for_times_leaves_the_model_as_it_was(whisper: TransformersRecogniser) -> None:
    config = pipeline_of(whisper).model.config
    before = config._attn_implementation
    await heard(whisper, asking(QUESTION.samples, word_times=True))
    assert config._attn_implementation == before != "eager"


async def test_a_reader_that_leaves_stops_the_model(whisper: TransformersRecogniser) -> None:
    layers: list[None] = []
    pipeline_of(whisper).model.register_forward_pre_hook(lambda *_: layers.append(None))
    recording = windows(*[QUESTION] * 8)
    await heard(whisper, asking(recording))
    whole = len(layers)
    layers.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as scope, aclosing(whisper.stream(asking(recording))) as events:
            waiting = asyncio.ensure_future(_until(lambda: bool(layers)))
            waiting.add_done_callback(lambda _: scope.reschedule(0))
            async for _ in events:
                pass
    assert pipeline_of(whisper).running == 0
    ran = len(layers)
    assert 0 < ran < whole
    await asyncio.sleep(0.05)
    assert len(layers) == ran, "the model is still at work"
    assert (await heard(whisper, asking(LIGHTS.samples)))[0].text == LIGHTS.text


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)

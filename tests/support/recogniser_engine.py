"""Recognisers of ``transformers`` on the models that tests build, requests to them and what they hear."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

import numpy as np

from adapters.contract import stt
from adapters.contract.checks import read, stt_grammar
from adapters.stt.transformers.adapter import TransformersRecogniser
from tests.support.device import DEVICE


class WatchedPipeline:
    """A pipeline of transformers that counts the calls, of itself or of its model's ``generate``, that are running."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self.running = 0
        if hasattr(pipeline.model, "generate"):
            pipeline.model.generate = partial(self._counted, pipeline.model.generate)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._counted(self._pipeline, *arguments, **keywords)

    def _counted(self, function: Any, *arguments: Any, **keywords: Any) -> Any:
        self.running += 1
        try:
            return function(*arguments, **keywords)
        finally:
            self.running -= 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipeline, name)


_pipelines: WeakKeyDictionary[TransformersRecogniser, WatchedPipeline] = WeakKeyDictionary()


@asynccontextmanager
async def loaded(model: Path | str) -> AsyncGenerator[TransformersRecogniser, None]:
    """An engine with ``model``, ready."""
    from adapters.stt.transformers import pipeline  # noqa: PLC0415 - imports torch

    load = pipeline.load_pipeline

    def watched(*arguments: Any, **keywords: Any) -> WatchedPipeline:
        _pipelines[engine] = WatchedPipeline(load(*arguments, **keywords))
        return _pipelines[engine]

    engine = TransformersRecogniser(TransformersRecogniser.Options(stt_model=str(model), stt_device=DEVICE))
    engine.preflight()
    async with aclosing(engine):
        with patch.object(pipeline, "load_pipeline", watched):
            await engine.warm_up()
        yield engine


def pipeline_of(engine: TransformersRecogniser) -> WatchedPipeline:
    """The pipeline that ``engine`` has loaded."""
    return _pipelines[engine]


async def blocks(samples: Any) -> AsyncIterator[bytes]:
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    for start in range(0, len(pcm), 3200):
        yield pcm[start : start + 3200]


def asking(samples: Any, **wanted: Any) -> stt.Request:
    return stt.Request(audio=blocks(samples), **wanted)


async def heard(engine: stt.Recogniser, request: stt.Request) -> tuple[stt.FinalTranscript, stt.Finished]:
    events = await read(engine.stream(request))
    stt_grammar(events)
    assert isinstance(events[-2], stt.FinalTranscript)
    assert isinstance(events[-1], stt.Finished)
    return events[-2], events[-1]

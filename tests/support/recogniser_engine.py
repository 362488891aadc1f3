"""Recognisers of ``transformers`` on the models that tests build."""

from pathlib import Path
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

from adapters.stt.transformers.adapter import TransformersRecogniser


class WatchedPipeline:
    """A pipeline of transformers that counts the calls that are running."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self.running = 0

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        self.running += 1
        try:
            return self._pipeline(*arguments, **keywords)
        finally:
            self.running -= 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipeline, name)


_pipelines: WeakKeyDictionary[TransformersRecogniser, WatchedPipeline] = WeakKeyDictionary()


async def loaded(model: Path | str) -> TransformersRecogniser:
    """An engine with ``model``, ready."""
    from adapters.stt.transformers import pipeline  # noqa: PLC0415 - imports torch

    load = pipeline.load_pipeline

    def watched(*arguments: Any, **keywords: Any) -> WatchedPipeline:
        _pipelines[engine] = WatchedPipeline(load(*arguments, **keywords))
        return _pipelines[engine]

    engine = TransformersRecogniser(TransformersRecogniser.Options(stt_model=str(model), stt_device="cpu"))
    engine.preflight()
    with patch.object(pipeline, "load_pipeline", watched):
        await engine.warm_up()
    return engine


def pipeline_of(engine: TransformersRecogniser) -> WatchedPipeline:
    """The pipeline that ``engine`` has loaded."""
    return _pipelines[engine]

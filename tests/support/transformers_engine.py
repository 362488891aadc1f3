"""Engines of ``transformers`` on the models that tests build."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

from adapters.llm.loaded_model import LoadedModel
from adapters.llm.transformers.adapter import TransformersLanguageModel
from tests.support.device import DEVICE

_loaded: WeakKeyDictionary[TransformersLanguageModel, LoadedModel] = WeakKeyDictionary()


@asynccontextmanager
async def loaded(model: Path | str, **options: Any) -> AsyncGenerator[TransformersLanguageModel, None]:
    """An engine with ``model``, on the tests' device unless ``options`` name another, ready."""
    from adapters.llm.transformers import loader  # noqa: PLC0415 - imports torch

    load = loader.load

    def remembered(*arguments: Any) -> LoadedModel:
        _loaded[engine] = load(*arguments)
        return _loaded[engine]

    options = {"llm_device": DEVICE} | options
    engine = TransformersLanguageModel(TransformersLanguageModel.Options(model_name=str(model), **options))
    async with aclosing(engine):
        with patch.object(loader, "load", remembered):
            await engine.warm_up()
        yield engine


def loaded_by(engine: TransformersLanguageModel) -> LoadedModel:
    """What ``engine`` has loaded: the model of transformers itself, its tokenizer."""
    return _loaded[engine]

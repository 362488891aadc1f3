"""The engine ``transformers``: one model of Hugging Face's library in this process, for all sessions together."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from adapters import hub
from adapters.blocking import BatchThread, call
from adapters.contract import llm
from adapters.contract.description import EngineDescription
from adapters.contract.errors import Unavailable, Unsupported
from adapters.llm import answer, generation, images, prompt
from adapters.llm.local import DEFAULT_MODEL, TransformersOptions
from adapters.llm.transformers.failures import ADAPTER
from adapters.llm.transformers.parameters import HONOURED, SAMPLER
from adapters.options import BadOption

_EXTRA = "transformers"
_DOCUMENTED = frozenset(("max_new_tokens", "min_new_tokens", "temperature", "do_sample"))

_log = logging.getLogger(__name__)


class Transformers:
    """Loads its model in ``warm_up``, in the one thread that then writes all answers."""

    Options = TransformersOptions
    description = EngineDescription(
        selected_by=("model_name", "llm_"), default_model=DEFAULT_MODEL, mac_options={"llm_device": "mps"}
    )

    def __init__(self, options: TransformersOptions) -> None:
        if options.model_name is None:
            raise BadOption("--llm_backend transformers needs --model_name, a hub id or a folder.")
        self._options = options
        self._name = options.model_name
        self._thread: BatchThread[Any, Any] = BatchThread(self._load, name=ADAPTER, adapter=ADAPTER)
        self._asking: Any = None
        self._started = False
        parallel = 1 if options.llm_is_vlm else options.llm_max_parallel
        self._info = llm.Info(images=options.llm_is_vlm, tools=True, max_parallel=parallel)

    @property
    def info(self) -> llm.Info:
        """What it takes; complete after ``warm_up``."""
        return self._info

    @property
    def failure(self) -> str | None:
        """Why it cannot answer any more."""
        return self._thread.down if self._started else None

    @classmethod
    def probe(cls, options: TransformersOptions, _request: llm.Request) -> str:
        """What is known without loading the model."""
        return f"finds {options.model_name}; whether it loads is seen when it is served"

    def preflight(self) -> None:
        """Look whether packages, model, device and parameters are there. Raises ``BadOption``."""
        needed = ("torch", "transformers", "accelerate", *(("PIL",) if self._options.llm_is_vlm else ()))
        hub.require("--llm_backend transformers", _EXTRA, *needed)
        from transformers import GenerationConfig  # noqa: PLC0415 - a second, without torch

        generation.check(self._options.llm_gen, {*GenerationConfig().to_dict(), *HONOURED, *SAMPLER})
        if self._options.llm_device is not None:
            from adapters import devices  # noqa: PLC0415 - imports torch

            devices.require("--llm_device", self._options.llm_device)
        hub.resolve(self._name)

    async def warm_up(self) -> None:
        """Load the model, downloaded first where it is not in the cache. Raises ``Unavailable``, ``UpstreamError``."""
        for sentence in generation.warnings(self._options.llm_gen):
            _log.warning("%s", sentence)
        if without_effect := sorted(self._options.llm_gen.keys() - HONOURED - _DOCUMENTED - {*SAMPLER}):
            _log.warning("transformers: without effect here: --llm_gen_%s.", ", --llm_gen_".join(without_effect))
        await self._thread.start()
        self._started = True

    async def aclose(self) -> None:
        """End the thread; the model is freed with it."""
        await self._thread.aclose()
        self._asking = None

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        """Write one answer. Raises every ``AdapterError`` but ``UnknownModel`` and ``Overloaded``.

        What waits for a slow reader is one answer at most, as long as ``max_new_tokens`` allows.
        """
        asking = self._asking
        if asking is None or self._thread.down is not None:
            raise Unavailable(f"The transformers engine cannot answer: {self._thread.down}.", adapter=ADAPTER)
        wanted = prompt.pictures(request)
        if wanted and not self._info.images:
            raise Unsupported(
                "This model sees no images: choose one that does, with --llm_is_vlm.", adapter=ADAPTER, param="messages"
            )
        asked = await call(asking.ask, request, [await images.load(picture) for picture in wanted])
        tokens = self._thread.stream(asked, buffer=asked.generation.max_new_tokens)
        async with aclosing(answer.events(request, asked, asking.tokenizer, tokens)) as events:
            async for event in events:
                yield event

    def _load(self) -> Any:
        """In the thread: load, and choose how answers are written."""
        from adapters.llm.transformers import asking, choosing, loading  # noqa: PLC0415 - they import torch

        loaded = loading.load(self._name, self._options)
        batch, context, parallel = choosing.batch(loaded, self._options)
        self._asking = asking.Asking(loaded, self._options.llm_gen, context)
        self._info = llm.Info(
            images=self._options.llm_is_vlm,
            tools=prompt.takes_tools(loaded.template),
            max_parallel=parallel,
            context_tokens=context,
        )
        return batch

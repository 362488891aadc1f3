"""The engine ``mlx-lm``: one model of Apple's library in this process, for all sessions together."""

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
from adapters.llm.local import DEFAULT_MODEL, MlxOptions
from adapters.llm.mlx_lm import parameters
from adapters.llm.mlx_lm.failures import ADAPTER
from adapters.options import BadOption

_KNOWN = parameters.KNOWN | {"seed", "stop_strings"}
_DOCUMENTED = frozenset(("max_new_tokens", "min_new_tokens", "temperature", "do_sample"))

_log = logging.getLogger(__name__)


class MlxLm:
    """Loads its model in ``warm_up``, in the one thread that then writes all answers."""

    Options = MlxOptions
    description = EngineDescription(default_model=DEFAULT_MODEL, mac_default=True)

    def __init__(self, options: MlxOptions) -> None:
        if options.model_name is None:
            raise BadOption("--llm_backend mlx-lm needs --model_name, a hub id or a folder.")
        self._options = options
        self._name = options.model_name
        self._thread: BatchThread[Any, Any] = BatchThread(self._load, name=ADAPTER, adapter=ADAPTER)
        self._asking: Any = None
        parallel = 1 if options.llm_is_vlm else options.llm_max_parallel
        self._info = llm.Info(images=options.llm_is_vlm, tools=True, max_parallel=parallel)

    @property
    def info(self) -> llm.Info:
        """What it takes; complete after ``warm_up``."""
        return self._info

    @property
    def failure(self) -> str | None:
        """Why it cannot answer any more."""
        return self._thread.down if self._asking is not None else None

    @classmethod
    def probe(cls, options: MlxOptions, _request: llm.Request) -> str:
        """What is known without loading the model."""
        return f"finds {options.model_name}; whether it loads is seen when it is served"

    def preflight(self) -> None:
        """Look whether packages, model and parameters are there. Raises ``BadOption``."""
        hub.require("--llm_backend mlx-lm", "mlx", "mlx", "mlx_lm", "transformers")
        if self._options.llm_is_vlm:
            hub.require("--llm_is_vlm with --llm_backend mlx-lm", "mlx-vlm", "mlx_vlm", "PIL")
        from transformers import GenerationConfig  # noqa: PLC0415 - a second

        theirs = GenerationConfig().to_dict()
        generation.check(self._options.llm_gen, {*theirs, *_KNOWN})
        parameters.check(self._options.llm_gen)
        hub.resolve(self._name)

    async def warm_up(self) -> None:
        """Load the model, downloaded first where it is not in the cache. Raises ``Unavailable``, ``UpstreamError``."""
        for sentence in generation.warnings(self._options.llm_gen):
            _log.warning("%s", sentence)
        if without_effect := sorted(self._options.llm_gen.keys() - _KNOWN - _DOCUMENTED):
            _log.warning("mlx-lm: without effect here: --llm_gen_%s.", ", --llm_gen_".join(without_effect))
        await self._thread.start()

    async def aclose(self) -> None:
        """End the thread; the model is freed with it."""
        await self._thread.aclose()

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        """Write one answer. Raises every ``AdapterError`` but ``UnknownModel`` and ``Overloaded``.

        What waits for a slow reader is one answer at most, as long as ``max_new_tokens`` allows.
        """
        asking = self._asking
        if asking is None or self._thread.down is not None:
            raise Unavailable(f"The mlx-lm engine cannot answer: {self._thread.down}.", adapter=ADAPTER)
        asked = await self._asked(request)
        tokens = self._thread.stream(asked, buffer=asked.generation.max_new_tokens)
        async with aclosing(answer.events(request, asked, asking.tokenizer, tokens)) as events:
            async for event in events:
                yield event

    async def _asked(self, request: llm.Request) -> Any:
        """The prompt for ``request``, in tokens."""
        wanted = prompt.pictures(request)
        if not self._info.images:
            if wanted:
                raise Unsupported(
                    "This model sees no images: choose one that does, with --llm_is_vlm.",
                    adapter=ADAPTER,
                    param="messages",
                )
            return await call(self._asking.ask, request)
        question = await call(self._asking.question, request, [await images.load(picture) for picture in wanted])
        # mlx-vlm's processors compute with mlx, whose arrays belong to their thread.
        async with aclosing(self._thread.stream(question, buffer=1)) as prepared:
            return await anext(prepared)

    def _load(self) -> Any:
        """In the thread: load, and choose how answers are written."""
        from adapters.llm.mlx_lm import asking, choosing, loading  # noqa: PLC0415 - they import mlx

        try:
            loaded = loading.load(self._name, self._options)
            batch, parallel = choosing.batch(loaded, self._options, self._thread.check)
        except BaseException:
            choosing.release()
            raise
        self._asking = asking.Asking(loaded, self._options.llm_gen)
        self._info = llm.Info(
            images=self._options.llm_is_vlm,
            tools=prompt.takes_tools(loaded.template),
            max_parallel=parallel,
            context_tokens=loaded.context,
        )
        return batch

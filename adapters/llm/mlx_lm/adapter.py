"""The engine ``mlx-lm``: one model of Apple's library in this process, shared by all sessions."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec

from adapters.blocking import BatchThread, call
from adapters.contract import llm
from adapters.contract.description import EngineDescription
from adapters.contract.errors import Unavailable, Unsupported
from adapters.llm.decoding import event_stream
from adapters.llm.local_options import DEFAULT_MODEL, MlxOptions
from adapters.llm.mlx_lm import parameters
from adapters.llm.mlx_lm.errors import ADAPTER
from adapters.llm.prompting import chat_template, generation_settings
from adapters.local import requirements
from adapters.local.pretrained import PretrainedModel
from adapters.options import BadOption
from adapters.remote_media import RemoteMedia

_SUPPORTED = parameters.KNOWN | {"seed", "stop_strings"}
_DOCUMENTED = frozenset(("max_new_tokens", "min_new_tokens", "temperature", "do_sample"))

_log = logging.getLogger(__name__)


class _Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What is known once the model is loaded; ``encoder`` is a ``PromptEncoder``."""

    encoder: Any
    info: llm.Info


class MlxLanguageModel:
    """Loads its model in ``warm_up``, in the one thread that then generates all answers."""

    Options = MlxOptions
    description = EngineDescription(default_model=DEFAULT_MODEL, mac_default=True, loads_weights=True)

    def __init__(self, options: MlxOptions) -> None:
        if options.model_name is None:
            raise BadOption("--llm_backend mlx-lm needs --model_name, a hub id or a folder.")
        self._options = options
        self._name = options.model_name
        self._folder = Path()
        self._pretrained = PretrainedModel(name=self._name, owner="--llm_backend mlx-lm", flag="--model_name")
        self._media = RemoteMedia(options.remote_media)
        self._thread: BatchThread[Any, Any, _Ready] = BatchThread(self._load, name=ADAPTER, adapter=ADAPTER)
        self._encoder: Any = None
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
    def probe(cls, options: MlxOptions, _request: llm.Request) -> str:
        """What is known without loading the model."""
        return f"finds {options.model_name}; whether it loads is seen when it is served"

    def preflight(self) -> None:
        """Check the packages, the model and the parameters. Raises ``BadOption``."""
        requirements.check_installed("--llm_backend mlx-lm", "mlx", "mlx", "mlx_lm", "transformers")
        if self._options.llm_is_vlm:
            requirements.check_installed("--llm_is_vlm with --llm_backend mlx-lm", "mlx-vlm", "mlx_vlm", "PIL")
        from transformers import GenerationConfig  # noqa: PLC0415 - takes a second

        generation_settings.validate(self._options.llm_gen, {*GenerationConfig().to_dict(), *_SUPPORTED})
        parameters.validate(self._options.llm_gen)
        self._pretrained.check()

    async def warm_up(self) -> None:
        """Load the model, and download it first if it is not cached. Raises ``Unavailable``, ``UpstreamError``."""
        for sentence in generation_settings.warnings(self._options.llm_gen):
            _log.warning("%s", sentence)
        if without_effect := sorted(self._options.llm_gen.keys() - _SUPPORTED - _DOCUMENTED):
            _log.warning("mlx-lm: without effect here: --llm_gen_%s.", ", --llm_gen_".join(without_effect))
        self._folder = await self._pretrained.fetch(ADAPTER)
        ready = await self._thread.start()
        self._encoder, self._info, self._started = ready.encoder, ready.info, True

    async def aclose(self) -> None:
        """End the thread and free the model."""
        await self._thread.aclose()
        self._encoder = None

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        """Generate one answer. Raises every ``AdapterError`` but ``UnknownModel`` and ``Overloaded``.

        At most one answer, as long as ``max_new_tokens`` allows, waits for a slow reader.
        """
        encoder = self._encoder
        if encoder is None or self._thread.down is not None:
            raise Unavailable(f"The mlx-lm engine cannot answer: {self._thread.down}.", adapter=ADAPTER)
        job = await self._encode(encoder, request)
        tokens = self._thread.stream(job, buffer=job.settings.max_new_tokens)
        async with aclosing(event_stream.events(request, job, encoder.chat_tokenizer, tokens)) as events:
            async for event in events:
                yield event

    async def _encode(self, encoder: Any, request: llm.Request) -> Any:
        """The ``GenerationRequest`` for ``request``."""
        images = chat_template.images_of(request)
        if not self._info.images:
            if images:
                raise Unsupported(
                    "This model takes no images: choose a vision model, with --llm_is_vlm.",
                    adapter=ADAPTER,
                    param="messages",
                )
            return await call(encoder.encode, request)
        prompt = await call(encoder.prepare, request, await self._media.images(images))
        # The processors of mlx-vlm compute with mlx, whose arrays belong to their thread.
        async with aclosing(self._thread.stream(prompt, buffer=1)) as encoded:
            return await anext(encoded)

    def _load(self) -> tuple[Any, _Ready]:
        """In the thread: load the model and select how it generates."""
        from adapters.llm.mlx_lm import loader, memory, request, strategy  # noqa: PLC0415 - they import mlx

        try:
            loaded = loader.load(self._name, self._folder, self._options)
            selected = strategy.select(loaded, self._options, self._thread.check)
        except BaseException:
            memory.release_thread()
            raise
        info = llm.Info(
            images=self._options.llm_is_vlm,
            tools=chat_template.takes_tools(loaded.template),
            max_parallel=selected.max_parallel,
            context_tokens=loaded.context_tokens,
        )
        return selected.batch, _Ready(encoder=request.PromptEncoder(loaded, self._options.llm_gen), info=info)

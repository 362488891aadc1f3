"""The engine ``transformers``: one model of Hugging Face's library in this process, shared by all sessions."""

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
from adapters.llm.local_options import DEFAULT_MODEL, TransformersOptions
from adapters.llm.prompting import chat_template, generation_settings
from adapters.llm.transformers.errors import ADAPTER
from adapters.llm.transformers.parameters import ADDED, SUPPORTED
from adapters.local import requirements
from adapters.local.pretrained import PretrainedModel
from adapters.options import BadOption
from adapters.remote_media import RemoteMedia

_DOCUMENTED = frozenset(("max_new_tokens", "min_new_tokens", "temperature", "do_sample"))

_log = logging.getLogger(__name__)


class _Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What is known once the model is loaded; ``encoder`` is a ``PromptEncoder``."""

    encoder: Any
    info: llm.Info


class TransformersLanguageModel:
    """Loads its model in ``warm_up``, in the one thread that then generates all answers."""

    Options = TransformersOptions
    description = EngineDescription(
        selected_by=("model_name", "llm_"),
        default_model=DEFAULT_MODEL,
        loads_weights=True,
        mac_options={"llm_device": "mps"},
    )

    def __init__(self, options: TransformersOptions) -> None:
        if options.model_name is None:
            raise BadOption("--llm_backend transformers needs --model_name, a hub id or a folder.")
        self._options = options
        self._name = options.model_name
        self._folder = Path()
        self._pretrained = PretrainedModel(name=self._name, owner="--llm_backend transformers", flag="--model_name")
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
    def probe(cls, options: TransformersOptions, _request: llm.Request) -> str:
        """What is known without loading the model."""
        return f"finds {options.model_name}; whether it loads is seen when it is served"

    def preflight(self) -> None:
        """Check the packages, the model, the device and the parameters. Raises ``BadOption``."""
        needed = ("torch", "transformers", "accelerate", *(("PIL",) if self._options.llm_is_vlm else ()))
        requirements.check_installed("--llm_backend transformers", "transformers", *needed)
        from transformers import GenerationConfig  # noqa: PLC0415 - takes a second; does not import torch

        generation_settings.validate(self._options.llm_gen, {*GenerationConfig().to_dict(), *SUPPORTED, *ADDED})
        if self._options.llm_device is not None:
            from adapters.local import devices  # noqa: PLC0415 - imports torch

            devices.check_device("--llm_device", self._options.llm_device)
        self._pretrained.check()

    async def warm_up(self) -> None:
        """Load the model, and download it first if it is not cached. Raises ``Unavailable``, ``UpstreamError``."""
        for sentence in generation_settings.warnings(self._options.llm_gen):
            _log.warning("%s", sentence)
        if without_effect := sorted(self._options.llm_gen.keys() - SUPPORTED - _DOCUMENTED - {*ADDED}):
            _log.warning("transformers: without effect here: --llm_gen_%s.", ", --llm_gen_".join(without_effect))
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
            raise Unavailable(f"The transformers engine cannot answer: {self._thread.down}.", adapter=ADAPTER)
        images = chat_template.images_of(request)
        if images and not self._info.images:
            raise Unsupported(
                "This model takes no images: choose a vision model, with --llm_is_vlm.",
                adapter=ADAPTER,
                param="messages",
            )
        job = await call(encoder.encode, request, await self._media.images(images))
        tokens = self._thread.stream(job, buffer=job.settings.max_new_tokens)
        async with aclosing(event_stream.events(request, job, encoder.chat_tokenizer, tokens)) as events:
            async for event in events:
                yield event

    def _load(self) -> tuple[Any, _Ready]:
        """In the thread: load the model and select how it generates."""
        from adapters.llm.transformers import loader, request, strategy  # noqa: PLC0415 - they import torch

        loaded = loader.load(self._name, self._folder, self._options)
        selected = strategy.select(loaded, self._options)
        info = llm.Info(
            images=self._options.llm_is_vlm,
            tools=chat_template.takes_tools(loaded.template),
            max_parallel=selected.max_parallel,
            context_tokens=selected.context_tokens,
        )
        encoder = request.PromptEncoder(loaded, self._options.llm_gen, selected.context_tokens)
        return selected.batch, _Ready(encoder=encoder, info=info)

"""Encodes a request into the input of a model of mlx-lm, with the model's own chat template."""

import threading
from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from adapters.llm.loaded_model import LoadedModel
from adapters.llm.mlx_lm.errors import ADAPTER
from adapters.llm.mlx_lm.parameters import Parameters, parameters
from adapters.llm.prompting import generation_settings, image_decoding
from adapters.llm.prompting.encoded_prompt import EncodedPrompt
from adapters.llm.prompting.forced_call import forced_start
from adapters.llm.prompting.generation_settings import GenerationSettings
from adapters.llm.prompting.tokenizer import ChatTokenizer


class PreparedPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """The prompt before it is encoded: text, and PIL images for a vision model.

    ``forced_start`` is the text that the answer must start with.
    """

    text: str
    forced_start: str
    images: list[Any]
    settings: GenerationSettings
    parameters: Parameters


class GenerationRequest(EncodedPrompt, frozen=True, kw_only=True):
    """One answer to be generated; ``inputs`` are all inputs of a vision model, as mlx-vlm names them."""

    parameters: Parameters
    inputs: dict[str, Any]


class PromptEncoder:
    """Encodes the prompts for one model; may be called from several threads.

    ``llm_gen`` are the generation parameters that were set.
    """

    def __init__(self, loaded: LoadedModel, llm_gen: dict[str, Any]) -> None:
        # Not the model itself, which is freed with the thread that runs it.
        self._tokenizer = loaded.tokenizer
        self._template = loaded.template
        self._context_tokens = loaded.context_tokens
        self._recommended = loaded.recommended
        self._llm_gen = llm_gen
        self._lock = threading.Lock()  # a tokenizer fails when two threads use it ("Already borrowed")
        self.chat_tokenizer = ChatTokenizer(
            loaded.tokenizer, ADAPTER, ends=loaded.ends, images=loaded.processor is not None
        )

    def encode(self, request: llm.Request) -> GenerationRequest:
        """The prompt for ``request``, without images. Blocks for a moment.

        Raises ``InvalidRequest`` for what the chat template or the sampler does not take, ``Unsupported``, ``TooLong``.
        """
        prompt = self.prepare(request)
        with self._lock:
            tokens = self._tokenizer.encode(prompt.text + prompt.forced_start, add_special_tokens=False)
        return generation_request(prompt, tokens, self._context_tokens)

    def prepare(self, request: llm.Request, image_files: Sequence[bytes] = ()) -> PreparedPrompt:
        """The prompt for ``request``; ``image_files`` are the files of its images. Blocks for a moment.

        Raises ``InvalidRequest`` and ``Unsupported`` as ``encode`` does.
        """
        text = self.chat_tokenizer.render(request)
        settings = generation_settings.settings_for(request, self._llm_gen)
        return PreparedPrompt(
            text=text,
            forced_start=forced_start(request, self._template, text),
            images=[image_decoding.decode(file, ADAPTER) for file in image_files],
            settings=settings,
            parameters=self._parameters(settings),
        )

    def _parameters(self, settings: GenerationSettings) -> Parameters:
        try:
            return parameters(self._recommended | settings.others)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"mlx-lm refuses a generation parameter: {error}.", adapter=ADAPTER) from error


def generation_request(
    prompt: PreparedPrompt, tokens: list[int], context_tokens: int | None, inputs: dict[str, Any] | None = None
) -> GenerationRequest:
    """``prompt``, encoded as ``tokens``; the answer is limited to the rest of the context. Raises ``TooLong``."""
    return GenerationRequest(
        text=prompt.text,
        forced_start=prompt.forced_start,
        tokens=tokens,
        settings=generation_settings.within_context(prompt.settings, context_tokens, len(tokens), ADAPTER),
        parameters=prompt.parameters,
        inputs=inputs or {},
    )

"""Turns a request into the tokens that a model of mlx-lm is given, by the model's own chat template."""

import threading
from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from adapters.llm.decoding import event_stream
from adapters.llm.mlx_lm.errors import ADAPTER
from adapters.llm.mlx_lm.loader import Loaded
from adapters.llm.mlx_lm.parameters import Parameters, parameters
from adapters.llm.prompting import chat_template, generation_settings, image_decoding
from adapters.llm.prompting.tokenizer import ChatTokenizer


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the model, in text and PIL images; ``begun`` is what the answer is made to begin with."""

    prompt: str
    begun: str
    images: list[Any]
    generation: generation_settings.Generation
    parameters: Parameters


class Asked(event_stream.Asked, frozen=True, kw_only=True):
    """One answer to be written.

    ``inputs`` is all that a model that sees is given, as mlx-vlm names it; empty for others.
    """

    parameters: Parameters
    inputs: dict[str, Any]


class Asking:
    """Makes the prompts for one model; may be called from several threads."""

    def __init__(self, loaded: Loaded, llm_gen: dict[str, Any]) -> None:
        self._loaded = loaded
        self._llm_gen = llm_gen
        self._lock = threading.Lock()  # a tokenizer that is at work in two threads fails ("Already borrowed")
        self.tokenizer = ChatTokenizer(loaded.tokenizer, ADAPTER, ends=loaded.ends, images=loaded.processor is not None)

    def ask(self, request: llm.Request) -> Asked:
        """The prompt for ``request``. Blocks for a moment.

        Raises ``InvalidRequest`` for what the chat template or the sampler does not take, ``Unsupported``, ``TooLong``.
        """
        question = self.question(request)
        with self._lock:
            tokens = self._loaded.tokenizer.encode(question.prompt + question.begun, add_special_tokens=False)
        return asked(question, tokens, self._loaded.context)

    def question(self, request: llm.Request, pictures: Sequence[bytes] = ()) -> Question:
        """What ``request`` asks with the image files of its images. Blocks. Raises as ``ask``, but for ``TooLong``."""
        text = self.tokenizer.rendered(request)
        wanted = generation_settings.generation(self._llm_gen, request)
        return Question(
            prompt=text,
            begun=chat_template.forced(request, self._loaded.template, text) or "",
            images=[image_decoding.decoded(file, ADAPTER) for file in pictures],
            generation=wanted,
            parameters=self._parameters(wanted),
        )

    def _parameters(self, wanted: generation_settings.Generation) -> Parameters:
        try:
            return parameters(self._loaded.recommended | wanted.others)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"mlx-lm refuses a generation parameter: {error}.", adapter=ADAPTER) from error


def asked(question: Question, tokens: list[int], context: int | None, inputs: dict[str, Any] | None = None) -> Asked:
    """``question`` as ``tokens``, its answer no longer than ``context`` leaves room for. Raises ``TooLong``."""
    return Asked(
        prompt=question.prompt,
        begun=question.begun,
        tokens=tokens,
        generation=generation_settings.bounded(question.generation, context, len(tokens), ADAPTER),
        parameters=question.parameters,
        inputs=inputs or {},
    )

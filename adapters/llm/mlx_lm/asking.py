"""Turns a request into the tokens that a model of mlx-lm is given, by the model's own chat template."""

import copy
import threading
from typing import Any

import jinja2
import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, TooLong
from adapters.llm import generation, prompt
from adapters.llm.mlx_lm.failures import ADAPTER
from adapters.llm.mlx_lm.loading import Loaded
from adapters.llm.mlx_lm.parameters import Parameters, parameters


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to be written: ``tokens`` are the prompt and ``begun``, what the answer is made to begin with."""

    prompt: str
    begun: str
    tokens: list[int]
    generation: generation.Generation
    parameters: Parameters


class Asking:
    """Makes the prompts for one model; may be called from several threads."""

    def __init__(self, loaded: Loaded, llm_gen: dict[str, Any]) -> None:
        self._loaded = loaded
        self._llm_gen = llm_gen
        self.ends = loaded.ends
        self._lock = threading.Lock()  # a tokenizer that is at work in two threads fails ("Already borrowed")
        # For the event loop, which decodes while other threads encode.
        self._decoder = copy.deepcopy(loaded.tokenizer)
        self.special = frozenset(
            (
                *loaded.tokenizer.all_special_tokens,
                *(token.content for token in loaded.tokenizer.added_tokens_decoder.values() if token.special),
            )
        )

    def decode(self, tokens: list[int]) -> str:
        """The text of ``tokens``, special ones included; called on the event loop only."""
        text: str = self._decoder.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def ask(self, request: llm.Request) -> Asked:
        """The prompt for ``request``. Blocks for a moment.

        Raises ``InvalidRequest`` for what the chat template or the sampler does not take, ``Unsupported``, ``TooLong``.
        """
        text = self._rendered(request)
        begun = prompt.forced(request, self._loaded.template, text) or ""
        with self._lock:
            tokens = self._loaded.tokenizer.encode(text + begun, add_special_tokens=False)
        asked = self._bounded(generation.generation(self._llm_gen, request), len(tokens))
        return Asked(
            prompt=text, begun=begun, tokens=tokens, generation=asked, parameters=self._parameters(asked, request)
        )

    def _rendered(self, request: llm.Request) -> str:
        try:
            rendered: str = self._loaded.tokenizer.apply_chat_template(
                prompt.messages(request, images=False),
                tools=prompt.tools(request),
                add_generation_prompt=True,
                tokenize=False,
                **prompt.template_options(request),
            )
        except (jinja2.TemplateError, TypeError, KeyError) as error:
            raise prompt.refused(error, ADAPTER) from error
        return rendered

    def _parameters(self, asked: generation.Generation, request: llm.Request) -> Parameters:
        sampling = request.sampling
        penalties = {"frequency_penalty": sampling.frequency_penalty, "presence_penalty": sampling.presence_penalty}
        wanted = {name: value for name, value in penalties.items() if value is not None}
        try:
            return parameters(self._loaded.recommended | asked.others | wanted)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"mlx-lm refuses a generation parameter: {error}.", adapter=ADAPTER) from error

    def _bounded(self, asked: generation.Generation, used: int) -> generation.Generation:
        context = self._loaded.context
        if context is None:
            return asked
        left = context - used
        if left < 1:
            raise TooLong(
                f"The conversation has {used} tokens; the model takes {context} with its answer: shorten it.",
                adapter=ADAPTER,
                param="messages",
                code="context_length_exceeded",
            )
        most = min(asked.max_new_tokens, left)
        return msgspec.structs.replace(asked, max_new_tokens=most, min_new_tokens=min(asked.min_new_tokens, most))

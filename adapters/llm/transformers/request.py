"""Encodes a request into the input of a model of transformers, with the model's own chat template."""

import threading
from collections.abc import Sequence
from typing import Any

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from adapters.llm.loaded_model import LoadedModel
from adapters.llm.prompting import generation_settings, image_decoding
from adapters.llm.prompting.encoded_prompt import EncodedPrompt
from adapters.llm.prompting.forced_call import forced_start
from adapters.llm.prompting.tokenizer import ChatTokenizer
from adapters.llm.transformers.errors import ADAPTER


class GenerationRequest(EncodedPrompt, frozen=True, kw_only=True):
    """One answer to be generated; ``inputs`` are the model's tensors, on the CPU."""

    inputs: dict[str, Any]

    @property
    def has_images(self) -> bool:
        """Whether the tokens alone do not say what the prompt is."""
        return len(self.inputs.keys() - {"input_ids", "attention_mask"}) > 0


class PromptEncoder:
    """Encodes the prompts for one model; may be called from several threads.

    An answer may have ``context_tokens`` with its prompt; ``llm_gen`` are the generation parameters that were set.
    """

    def __init__(self, loaded: LoadedModel, llm_gen: dict[str, Any], context_tokens: int | None) -> None:
        # Not the model itself, which is freed with the thread that runs it.
        self._processor = loaded.processor
        self._tokenizer = loaded.tokenizer
        self._template = loaded.template
        self._llm_gen = llm_gen
        self._context_tokens = context_tokens
        self._lock = threading.Lock()  # a tokenizer fails when two threads use it ("Already borrowed")
        self.chat_tokenizer = ChatTokenizer(
            loaded.tokenizer,
            ADAPTER,
            ends=loaded.ends,
            template=loaded.processor.chat_template if loaded.processor is not None else None,
            images=loaded.processor is not None,
        )

    def encode(self, request: llm.Request, image_files: Sequence[bytes] = ()) -> GenerationRequest:
        """The prompt for ``request``; ``image_files`` are the files of its images. Blocks for a moment.

        Raises ``InvalidRequest`` for messages or images that the model does not take, ``Unsupported``, ``TooLong``.
        """
        text = self.chat_tokenizer.render(request)
        start = forced_start(request, self._template, text)
        images = [image_decoding.decode(file, ADAPTER) for file in image_files]
        with self._lock:
            inputs = self._inputs(text + start, images)
        tokens: list[int] = inputs["input_ids"][0].tolist()
        settings = generation_settings.settings_for(request, self._llm_gen)
        return GenerationRequest(
            text=text,
            forced_start=start,
            tokens=tokens,
            inputs=inputs,
            settings=generation_settings.within_context(settings, self._context_tokens, len(tokens), ADAPTER),
        )

    def _inputs(self, text: str, images: list[Any]) -> dict[str, Any]:
        """The model's inputs; the template has written the special tokens already."""
        if self._processor is not None:
            encoded = self._process(text, images)
        else:
            encoded = self._tokenizer(text, add_special_tokens=False, return_tensors="pt")
        return {name: value for name, value in encoded.items() if name != "token_type_ids" or images}

    def _process(self, text: str, images: list[Any]) -> Any:
        try:
            return self._processor(
                text=[text], images=[images] if images else None, add_special_tokens=False, return_tensors="pt"
            )
        except (ValueError, TypeError, IndexError) as error:  # for example a template that has no place for an image
            raise InvalidRequest(
                f"The model's processor refuses these messages ({type(error).__name__}): send fewer or other images.",
                adapter=ADAPTER,
                param="messages",
            ) from error

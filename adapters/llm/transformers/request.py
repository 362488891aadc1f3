"""Turns a request into the tokens that a model of transformers is given, by the model's own chat template."""

import threading
from collections.abc import Sequence
from typing import Any

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from adapters.llm.decoding import event_stream
from adapters.llm.prompting import chat_template, generation_settings, image_decoding
from adapters.llm.prompting.tokenizer import ChatTokenizer
from adapters.llm.transformers.errors import ADAPTER
from adapters.llm.transformers.loader import Loaded


class Asked(event_stream.Asked, frozen=True, kw_only=True):
    """One answer to be written; ``inputs`` are the model's tensors."""

    inputs: dict[str, Any]


class Asking:
    """Makes the prompts for one model; may be called from several threads."""

    def __init__(self, loaded: Loaded, llm_gen: dict[str, Any], context: int | None) -> None:
        self._loaded = loaded
        self._llm_gen = llm_gen
        self._context = context
        self._lock = threading.Lock()  # a tokenizer that is at work in two threads fails ("Already borrowed")
        processor = loaded.processor
        self.tokenizer = ChatTokenizer(
            loaded.tokenizer,
            ADAPTER,
            ends=loaded.ends,
            template=processor.chat_template if processor is not None else None,
            images=processor is not None,
        )

    def ask(self, request: llm.Request, pictures: Sequence[bytes] = ()) -> Asked:
        """The prompt for ``request`` with the image files of its images. Blocks for a moment.

        Raises ``InvalidRequest`` for what the chat template or an image makes impossible, ``Unsupported``, ``TooLong``.
        """
        text = self.tokenizer.rendered(request)
        begun = chat_template.forced(request, self._loaded.template, text) or ""
        images = [image_decoding.decoded(file, ADAPTER) for file in pictures]
        with self._lock:
            inputs = self._encoded(text + begun, images)
        tokens: list[int] = inputs["input_ids"][0].tolist()
        wanted = generation_settings.generation(self._llm_gen, request)
        return Asked(
            prompt=text,
            begun=begun,
            tokens=tokens,
            inputs=inputs,
            generation=generation_settings.bounded(wanted, self._context, len(tokens), ADAPTER),
        )

    def _encoded(self, text: str, images: list[Any]) -> dict[str, Any]:
        """The model's inputs, on its device; the template has written the special tokens already."""
        if self._loaded.processor is not None:
            encoded = self._seen(text, images)
        else:
            encoded = self._loaded.tokenizer(text, add_special_tokens=False, return_tensors="pt")
        known = {name: value for name, value in encoded.items() if name != "token_type_ids" or images}
        return {name: value.to(self._loaded.model.device) for name, value in known.items()}

    def _seen(self, text: str, images: list[Any]) -> Any:
        try:
            return self._loaded.processor(
                text=[text], images=[images] if images else None, add_special_tokens=False, return_tensors="pt"
            )
        except (ValueError, TypeError, IndexError) as error:  # a template without a place for an image, for one
            raise InvalidRequest(
                f"The model's processor refuses these messages ({type(error).__name__}): send fewer or other images.",
                adapter=ADAPTER,
                param="messages",
            ) from error

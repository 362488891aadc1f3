"""Turns a request into the tokens that a model of transformers is given, by the model's own chat template."""

import copy
import io
import threading
import warnings
from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, TooLong
from adapters.llm import generation, prompt
from adapters.llm.transformers.failures import ADAPTER
from adapters.llm.transformers.loading import Loaded

MOST_PIXELS = 40_000_000
"""An image of more is refused: a small file may unfold to gigabytes."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to be written: ``inputs`` are the model's tensors, ``begun`` what the answer is made to begin with."""

    prompt: str
    begun: str
    inputs: dict[str, Any]
    generation: generation.Generation

    @property
    def tokens(self) -> list[int]:
        """The prompt, ``begun`` included."""
        tokens: list[int] = self.inputs["input_ids"][0].tolist()
        return tokens


class Asking:
    """Makes the prompts for one model; may be called from several threads."""

    def __init__(self, loaded: Loaded, llm_gen: dict[str, Any], context: int | None) -> None:
        self._loaded = loaded
        self._llm_gen = llm_gen
        self._context = context
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

    def ask(self, request: llm.Request, pictures: Sequence[bytes] = ()) -> Asked:
        """The prompt for ``request`` with the image files of its images. Blocks for a moment.

        Raises ``InvalidRequest`` for what the chat template or an image makes impossible, ``Unsupported``, ``TooLong``.
        """
        text = self._rendered(request)
        begun = prompt.forced(request, self._loaded.template, text) or ""
        images = [_image(file) for file in pictures]
        with self._lock:
            inputs = self._encoded(text + begun, images)
        used = inputs["input_ids"].shape[1]
        return Asked(prompt=text, begun=begun, inputs=inputs, generation=self._bounded(request, used))

    def _rendered(self, request: llm.Request) -> str:
        processor = self._loaded.processor
        messages = prompt.messages(request, images=processor is not None)
        try:
            rendered: str = self._loaded.tokenizer.apply_chat_template(
                messages,
                chat_template=processor.chat_template if processor is not None else None,
                tools=prompt.tools(request),
                add_generation_prompt=True,
                tokenize=False,
                **prompt.template_options(request),
            )
        except Exception as error:
            raise prompt.refused(error, ADAPTER) from error
        return rendered

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

    def _bounded(self, request: llm.Request, used: int) -> generation.Generation:
        asked = generation.generation(self._llm_gen, request)
        sampling = request.sampling
        penalties = {"frequency_penalty": sampling.frequency_penalty, "presence_penalty": sampling.presence_penalty}
        others = asked.others | {name: value for name, value in penalties.items() if value is not None}
        asked = msgspec.structs.replace(asked, others=others)
        if self._context is None:
            return asked
        left = self._context - used
        if left < 1:
            raise TooLong(
                f"The conversation has {used} tokens; the model takes {self._context} with its answer: shorten it.",
                adapter=ADAPTER,
                param="messages",
                code="context_length_exceeded",
            )
        most = min(asked.max_new_tokens, left)
        return msgspec.structs.replace(asked, max_new_tokens=most, min_new_tokens=min(asked.min_new_tokens, most))


def _image(file: bytes) -> Any:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only models that see need it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # ours is the limit
            image = Image.open(io.BytesIO(file))
            if image.width * image.height > MOST_PIXELS:
                raise _bad_image(f"has {image.width} x {image.height} pixels, more than {MOST_PIXELS:,}")
            return image.convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise _bad_image("cannot be read; send PNG, JPEG, WebP or GIF") from error


def _bad_image(what: str) -> InvalidRequest:
    return InvalidRequest(f"An image {what}.", adapter=ADAPTER, param="messages", code="invalid_image_url")

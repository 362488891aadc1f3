"""A language model that is loaded in this process, with what belongs to it."""

from typing import Any

import msgspec


class LoadedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is ready to generate, its Hugging Face ``tokenizer`` and the text of its chat ``template``.

    ``processor`` is ``None`` unless it is a vision model; ``context_tokens`` is ``None`` when unknown. ``recommended``
    are the generation parameters of the model's authors, ``ends`` the tokens that end an answer.
    """

    model: Any
    tokenizer: Any
    processor: Any = None
    template: str
    context_tokens: int | None
    recommended: Any
    ends: tuple[int, ...]

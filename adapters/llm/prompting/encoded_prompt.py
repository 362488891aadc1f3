"""The prompt of one answer, as text and as tokens."""

import msgspec

from adapters.llm.prompting.generation_settings import GenerationSettings


class EncodedPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """What the model is given, and how it generates the answer.

    ``forced_start`` is the text that the answer must start with, so that it calls a tool: not part of ``text``, and
    the end of ``tokens``.
    """

    text: str
    forced_start: str
    tokens: list[int]
    settings: GenerationSettings

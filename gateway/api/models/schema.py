"""Wire types of the models surface."""

from typing import Literal

import msgspec


class Engines(msgspec.Struct, frozen=True, kw_only=True):
    """What hears, thinks and speaks: each by its engine and that engine's model; empty where there is none."""

    stt: tuple[str, ...]
    llm: tuple[str, ...]
    tts: tuple[str, ...]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model as OpenAI describes it, and what is ours: what it can do, complete once ``state`` is ready.

    ``tools`` and ``json_answers`` say whether it calls functions and answers in JSON when told to, ``context_tokens``
    how many tokens prompt and answer may have together, if known; ``voices`` are the names that ``voice`` takes.
    """

    id: str
    created: int
    object: Literal["model"] = "model"
    owned_by: str = "speech-gateway"
    state: Literal["loading", "ready", "failed"]
    input_modalities: list[Literal["text", "audio", "image"]]
    output_modalities: list[Literal["text", "audio"]]
    tools: bool
    json_answers: bool
    context_tokens: int | None
    voices: list[str]
    engines: Engines


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """All models; there is always just this page."""

    data: list[Model]
    object: Literal["list"] = "list"

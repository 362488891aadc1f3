"""One of the ``[[guards]]`` of the configuration file: what it judges, where, and what follows from it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Place = Literal["transcript", "answer"]
Action = Literal["refuse", "replace", "stop"]

SENTENCE = "I'm sorry, I cannot talk about that."


class GuardRules(msgspec.Struct, frozen=True, kw_only=True):
    """What every guard has, whatever its kind; see the README of this folder."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    kind: Annotated[str, Meta(min_length=1)]
    on: Annotated[tuple[Place, ...], Meta(min_length=1)] = ("transcript", "answer")
    routes: tuple[str, ...] = ()
    action: Action = "refuse"
    sentence: Annotated[str, Meta(min_length=1, max_length=500)] = SENTENCE
    timeout_seconds: Annotated[float, Meta(gt=0, le=60)] = 2.0
    on_failure: Literal["open", "closed"] = "closed"


class GuardTable(msgspec.Struct, frozen=True, kw_only=True):
    """One of ``[[guards]]``: its ``rules``, and the ``options`` of its kind."""

    rules: GuardRules
    options: msgspec.Struct

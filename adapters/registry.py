"""Finds engines by name through entry points; an adapter's module is imported only when it is looked at."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

import msgspec

from adapters.options import BadOption, pick

Stage = Literal["llm", "stt", "tts", "vad"]
STAGES: tuple[Stage, ...] = ("llm", "stt", "tts", "vad")


@cache
def _entries(stage: Stage) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"speech_gateway.{stage}")}


def names(stage: Stage) -> tuple[str, ...]:
    """The engines of a stage that are installed, sorted."""
    return tuple(sorted(_entries(stage)))


@cache
def adapter_class(stage: Stage, name: str) -> Any:
    """The class registered as ``name``; it has an ``Options`` struct and is constructed with one.

    Raises ``BadOption`` when no engine has that name. Its module imports nothing heavy at top level.
    """
    entry = _entries(stage).get(name)
    if entry is None:
        raise BadOption(f"There is no {stage} engine {name!r}; installed are {', '.join(names(stage)) or 'none'}.")
    return entry.load()


def options_class(stage: Stage, name: str) -> type[msgspec.Struct]:
    """The options that the engine brings to the settings."""
    options: type[msgspec.Struct] = adapter_class(stage, name).Options
    return options


def build(stage: Stage, name: str, settings: msgspec.Struct) -> Any:
    """Construct the engine from the flat ``settings``; no I/O. Raises ``BadOption``."""
    return adapter_class(stage, name)(pick(settings, options_class(stage, name)))

"""Combines the gateway's own settings with the installed engines and their options."""

import logging
from collections.abc import Iterable
from functools import cache
from typing import Any, cast

import msgspec

from adapters import registry
from adapters.contract.description import EngineDescription
from gateway.settings.model import AUTO, ENGINE_KEYS, FALLBACK_KEYS, NONE, OPTIONAL_STAGES, GatewaySettings, Route

log = logging.getLogger(__name__)


class NoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a stage that is left out."""


def choices(stage: registry.Stage) -> tuple[str, ...]:
    """The engines of a stage that can be named, sorted."""
    usable = _usable(stage)
    return (*usable, *((AUTO,) if automatic(stage) else ()), *((NONE,) if stage in OPTIONAL_STAGES else ()))


def _usable(stage: registry.Stage) -> tuple[str, ...]:
    return tuple(name for name in registry.names(stage) if (stage, name) not in _declared().clashes)


def automatic(stage: registry.Stage) -> tuple[str, ...]:
    """The engines that ``auto`` chooses from, the best first and the embedded one last; none if there is no choice."""
    described = descriptions(stage)
    ranked = sorted((name for name in described if described[name].rank > 0), key=lambda name: -described[name].rank)
    embedded = embedded_engine(stage)
    return (*ranked, *([embedded] if embedded is not None and embedded not in ranked else [])) if ranked else ()


def rejection(stage: registry.Stage, name: str) -> str | None:
    """Why an engine that is installed is not one of ``choices(stage)``, in one sentence."""
    return registry.rejection(stage, name) or _declared().clashes.get((stage, name))


def engine_options(stage: registry.Stage, name: str) -> type[msgspec.Struct]:
    """The options that an engine of ``choices(stage)`` declares."""
    return NoOptions if _is_no_engine(stage, name) else registry.options_class(stage, name)


def engine_description(stage: registry.Stage, name: str) -> EngineDescription:
    """What an engine of ``choices(stage)`` says about itself."""
    return EngineDescription() if _is_no_engine(stage, name) else registry.description(stage, name)


def descriptions(stage: registry.Stage) -> dict[str, EngineDescription]:
    """What the engines of ``choices(stage)`` say about themselves, in the order in which they are considered."""
    usable = _usable(stage)
    return {
        name: registry.description(stage, name)
        for its_stage, name in registry.engines()
        if its_stage == stage and name in usable
    }


def default_engine(stage: registry.Stage) -> str | None:
    """What stands for the engine of a stage when nothing selects one, if there is any."""
    return AUTO if automatic(stage) else embedded_engine(stage)


def embedded_engine(stage: registry.Stage) -> str | None:
    """The engine of a stage that needs nothing beside this package, if there is one."""
    return next((name for name, described in descriptions(stage).items() if described.default), None)


def selected_engine(stage: registry.Stage, keys: Iterable[str]) -> tuple[str, str] | None:
    """The engine that one of the given ``keys`` selects, and that key; ``None`` when none of them selects one."""
    matches = [
        (len(prefix), name, key)
        for name, described in descriptions(stage).items()
        for prefix in described.selected_by
        for key in keys
        if key.startswith(prefix)
    ]
    if not matches:
        return None
    _, name, key = max(matches, key=lambda match: match[0])  # of several that are as long, the first
    return name, key


def selection_rule(stage: registry.Stage) -> str | None:
    """``selected_engine`` in words for ``--help``; ``None`` when options do not select engines of this stage."""
    rules: dict[str, list[str]] = {}
    prefixes = [(prefix, name) for name, described in descriptions(stage).items() for prefix in described.selected_by]
    for prefix, name in sorted(prefixes, key=lambda rule: -len(rule[0])):
        rules.setdefault(name, []).append(f"{prefix}*" if prefix.endswith("_") else prefix)
    if not rules:
        return None
    listed = [f"{name} if {' or '.join(keys)} is set" for name, keys in rules.items()]
    return ", else ".join([*listed, default_engine(stage) or "it must be named"])


def route_engines(route: Route) -> list[registry.EngineId]:
    """The engines of a route, stage after stage: that of the stage, then its fallbacks as far as there are such.

    For ``auto`` they are all that may be taken.
    """
    return [
        (stage, engine)
        for stage, key in ENGINE_KEYS.items()
        for name in (getattr(route.settings, key), *getattr(route.settings, FALLBACK_KEYS.get(stage, ""), ()))
        if name in choices(stage)
        for engine in (automatic(stage) if name == AUTO else (name,))
    ]


def route_descriptions(route: Route) -> list[EngineDescription]:
    """What the engines of a route say about themselves, stage after stage."""
    return [engine_description(stage, name) for stage, name in route_engines(route)]


def start_notes(routes: Iterable[Route]) -> list[str]:
    """What the engines of the routes want the user to know, each note once."""
    notes = [described.start_note for route in routes for described in route_descriptions(route)]
    return list(dict.fromkeys(note for note in notes if note is not None))


@cache
def settings_type() -> type[GatewaySettings]:
    """The one flat struct of all settings: the gateway's own, and the options of every engine."""
    declared = [(field.name, field.type, _default(field)) for field in _declared().fields.values()]
    composed = msgspec.defstruct(
        "Settings", declared, bases=(GatewaySettings,), module=__name__, kw_only=True, frozen=True
    )
    return cast(type[GatewaySettings], composed)


class _Declared(msgspec.Struct, frozen=True, kw_only=True):
    """The options that engines add by name, and why some engines cannot add theirs."""

    fields: dict[str, msgspec.structs.FieldInfo]
    clashes: dict[registry.EngineId, str]


@cache
def _declared() -> _Declared:
    """An engine that declares an option differently from an earlier one cannot be used, which is logged once.

    An option with the name of one of the gateway's own settings (``model_name``) declares nothing: the engine reads
    that setting, whose type and description are the gateway's.
    """
    fields: dict[str, msgspec.structs.FieldInfo] = {}
    clashes: dict[registry.EngineId, str] = {}
    for stage, name in registry.engines():
        own = {field.name: field for field in msgspec.structs.fields(registry.options_class(stage, name))}
        own = {key: field for key, field in own.items() if key not in GatewaySettings.__struct_fields__}
        different = [key for key, field in own.items() if not _same(fields.get(key, field), field)]
        if different:
            clashes[stage, name] = (
                f"The {stage} engine {name!r} cannot be used: "
                f"another engine declares its option {different[0]!r} differently."
            )
            log.warning("%s", clashes[stage, name])
        else:
            fields = own | fields
    return _Declared(fields=fields, clashes=clashes)


def _same(one: msgspec.structs.FieldInfo, other: msgspec.structs.FieldInfo) -> bool:
    return (one.type, one.default, one.default_factory) == (other.type, other.default, other.default_factory)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return field.default


def _is_no_engine(stage: registry.Stage, name: str) -> bool:
    return (stage in OPTIONAL_STAGES and name == NONE) or name == AUTO

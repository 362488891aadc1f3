"""Every setting as an ``Option``, derived from the struct, and how its value is read from text and from files."""

import math
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, assert_never

import msgspec
from msgspec import inspect

from adapters import registry
from adapters.options import BadOption, decode_option, shape_of, value_type
from adapters.options import Shape as DeclaredShape
from gateway.settings import composition, model
from gateway.settings.declaration import GROUPS
from gateway.settings.model import SettingsError
from gateway.settings.reasons import reason

Shape = DeclaredShape | Literal["open"]
"""How a value is written: ``open`` is an entry of the open table, a JSON literal or else a string."""

OPEN_TABLE = "llm_gen"
"""The one table whose entries are settings of their own, ``llm_gen_<name>``; most of the names are not declared."""

SWITCH_WORDS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One setting; ``engines`` are those that declare it, empty for the gateway's own.

    ``choices`` are the words it takes, empty when it takes any; ``type`` and ``default`` are those of the struct.
    """

    key: str
    type: Any
    default: Any
    shape: Shape
    description: str
    group: str
    engines: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is given, decoded, and where it comes from."""

    value: Any
    origin: str


@cache
def options() -> dict[str, Option]:
    """Every setting by its key, group by group; within a group in the order of the struct."""
    brought: dict[str, tuple[registry.Stage, tuple[str, ...]]] = {}
    for stage in registry.STAGES:
        for engine in composition.choices(stage):
            for key in composition.engine_options(stage, engine).__struct_fields__:
                if key in model.GatewaySettings.__struct_fields__:
                    continue  # the engine reads a setting of the gateway's
                brought[key] = (stage, (*brought.get(key, (stage, ()))[1], engine))
    found = [_option(field, brought) for field in msgspec.structs.fields(composition.settings_type())]
    return {option.key: option for option in sorted(found, key=lambda option: GROUPS.index(option.group))}


@cache
def entries() -> dict[str, Option]:
    """The documented entries of the open table by their key; the engine names them in the ``extra`` of its option."""
    table = options().get(OPEN_TABLE)
    described = inspect.type_info(table.type) if table else None
    declared = (described.extra or {}).get("entries") if isinstance(described, inspect.Metadata) else None
    if table is None or declared is None:
        return {}
    keys = {f"{OPEN_TABLE}_{field.name}": field for field in msgspec.structs.fields(declared)}
    return {key: _described(field, key, table.engines, table.group) for key, field in keys.items()}


def find(key: str) -> Option | None:
    """The option of that key, entries of the open table included; ``None`` when there is none."""
    if (known := options().get(key) or entries().get(key)) is not None:
        return known
    entry = key.removeprefix(f"{OPEN_TABLE}_")
    if entry in ("", key) or OPEN_TABLE not in options():
        return None
    return msgspec.structs.replace(options()[OPEN_TABLE], key=key, type=Any, default=None, shape="open")


def nearest(key: str, *, prefix: str = "", upper: bool = False, more: Iterable[str] = ()) -> str:
    """The end of a sentence about an unknown ``key``: the nearest one that exists, spelled for its source."""
    close = get_close_matches(key, [*options(), *entries(), *more], n=1)
    if not close:
        return "'speech-to-speech --help' lists them all"
    return f"did you mean {prefix}{close[0].upper() if upper else close[0]}?"


def decode_text(option: Option, text: str, place: str) -> Any:
    """Read a value from a flag or the environment; ``place`` names that in the error. Raises ``SettingsError``."""
    match option.shape:
        case "switch":
            if text.lower() not in SWITCH_WORDS:
                raise SettingsError(f"{place} {text!r} is not one of {', '.join(SWITCH_WORDS)}.")
            return SWITCH_WORDS[text.lower()]
        case "number":
            return decode(option, _number(text), place)
        case "text" | "secret":
            return decode(option, text, place)
        case "list" | "secrets":
            listed = _literal(text)
            return decode(option, listed if isinstance(listed, list) else text, place)
        case "table":
            return decode(option, _literal(text), place)
        case "open":
            # A generation parameter is a number or a switch, hardly ever a text; a text "on" would count as true.
            return SWITCH_WORDS[text.lower()] if text.lower() in SWITCH_WORDS.keys() - {"0", "1"} else _literal(text)
        case _:
            assert_never(option.shape)


def decode(option: Option, value: Any, place: str) -> Any:
    """Check a value from a file; ``place`` names that in the error. Raises ``SettingsError``."""
    if option.shape == "secret" and not isinstance(value, str):
        raise SettingsError(f"{place} must be a string.")
    listed = [value] if isinstance(value, str) else value
    if option.shape == "secrets" and not (isinstance(listed, list) and all(isinstance(each, str) for each in listed)):
        raise SettingsError(f"{place} must be a list of strings.")
    if option.shape in {"list", "secrets"} and isinstance(value, str):
        return _convert(option, [value], place)
    return _convert(option, value, place)


def flatten(option: Option, value: Any, origin: str) -> Iterator[tuple[str, Setting]]:
    """A decoded value as settings: one, or for the open table one for each entry."""
    if option.key == OPEN_TABLE:
        yield from ((f"{OPEN_TABLE}_{name}", Setting(value=entry, origin=origin)) for name, entry in value.items())
    else:
        yield option.key, Setting(value=value, origin=origin)


def _convert(option: Option, value: Any, place: str) -> Any:
    if option.choices and value not in option.choices:
        if (broken := _broken_engine(option.key, value)) is not None:
            raise BadOption(f"{place} {value!r}: {broken}")
        raise SettingsError(f"{place} {value!r} is not one of {', '.join(option.choices)}.")
    if isinstance(value, dict):
        _check_names(option, value, place)
    try:
        converted = msgspec.convert(value, option.type, dec_hook=decode_option)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{place} {value!r} cannot be used: {reason(error)}.") from None
    if isinstance(converted, float) and not math.isfinite(converted):
        raise SettingsError(f"{place} {value!r} cannot be used: expected a finite number.")
    return converted


def _check_names(option: Option, table: dict[Any, Any], place: str) -> None:
    """Raise ``SettingsError`` when a table whose names are declared has another one."""
    declared = value_type(inspect.type_info(option.type))
    if not isinstance(declared, inspect.StructType):
        return
    names = [field.name for field in declared.fields]
    for name in table:
        if name not in names:
            close = get_close_matches(str(name), names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}."
            raise SettingsError(f"{place}: unknown name {name!r}: {hint}")


def _number(text: str) -> int | float | str:
    """A number as Python writes it (``.5`` too), or the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _literal(text: str) -> Any:
    """A JSON literal, or the text itself."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _option(field: msgspec.structs.FieldInfo, brought: dict[str, tuple[registry.Stage, tuple[str, ...]]]) -> Option:
    stage, engines = brought.get(field.name, (None, ()))
    option = _described(field, field.name, engines, model.STAGE_GROUPS[stage] if stage else None)
    if (selected := _stage_of(field.name)) is None:
        return option
    option = msgspec.structs.replace(option, choices=composition.choices(selected))
    if rule := composition.selection_rule(selected):
        return msgspec.structs.replace(option, description=f"{option.description} When unset: {rule}.")
    return msgspec.structs.replace(option, default=composition.default_engine(selected))


def _described(field: msgspec.structs.FieldInfo, key: str, engines: tuple[str, ...], group: str | None) -> Option:
    """What a field of a struct declares; ``group`` is ``None`` when the field says it itself."""
    described = inspect.type_info(field.type)
    assert isinstance(described, inspect.Metadata), f"{field.name} is described by msgspec.Meta"
    value = value_type(described)
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return Option(
        key=key,
        type=field.type,
        default=msgspec.to_builtins(default) if isinstance(default, msgspec.Struct) else default,
        shape=shape_of(value),
        description=(described.extra_json_schema or {})["description"],
        group=group or (described.extra or {})["group"],
        engines=engines,
        choices=tuple(str(word) for word in value.values) if isinstance(value, inspect.LiteralType) else (),
    )


def _stage_of(key: str) -> registry.Stage | None:
    """The stage whose engine the setting ``key`` selects, if it selects one."""
    return next((stage for stage, engine_key in model.ENGINE_KEYS.items() if engine_key == key), None)


def _broken_engine(key: str, value: Any) -> str | None:
    """Why the engine ``value`` of the setting ``key`` cannot be used, if it is installed."""
    stage = _stage_of(key)
    return composition.rejection(stage, value) if stage is not None and isinstance(value, str) else None

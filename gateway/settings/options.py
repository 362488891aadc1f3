"""Every setting as flags, environment, files and help see it, derived from the struct; and how a value is read."""

import math
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, assert_never

import msgspec
from msgspec import inspect

from adapters import registry
from adapters.options import Secret, decode_option
from gateway.settings import model
from gateway.settings.model import SettingsError

Shape = Literal["switch", "number", "text", "secret", "list", "table", "open"]
"""How a value is written: ``open`` is an entry of the open table, a JSON literal or else a string."""

OPEN_TABLE = "llm_gen"
"""The one table whose entries are settings of their own, ``llm_gen_<name>``, under names that nobody declares."""

SWITCH_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One setting; ``engines`` are those that brought it, none when it is the gateway's own.

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
    """A value that somebody gave, decoded, and where it comes from."""

    value: Any
    origin: str


@cache
def options() -> dict[str, Option]:
    """Every setting by its key, group by group; within a group in the order of the struct."""
    brought: dict[str, tuple[registry.Stage, tuple[str, ...]]] = {}
    for stage in registry.STAGES:
        for engine in model.choices(stage):
            for key in model.engine_options(stage, engine).__struct_fields__:
                if key in model.GatewaySettings.__struct_fields__:
                    continue  # the engine reads a setting of the gateway's
                brought[key] = (stage, (*brought.get(key, (stage, ()))[1], engine))
    found = [_option(field, brought) for field in msgspec.structs.fields(model.settings_type())]
    return {option.key: option for option in sorted(found, key=lambda option: model.GROUPS.index(option.group))}


def find(key: str) -> Option | None:
    """The option of that key, entries of the open table included; ``None`` when there is none."""
    prefix, entry = key[: len(OPEN_TABLE) + 1], key[len(OPEN_TABLE) + 1 :]
    if key in options() or prefix != f"{OPEN_TABLE}_" or not entry or OPEN_TABLE not in options():
        return options().get(key)
    return msgspec.structs.replace(options()[OPEN_TABLE], key=key, type=Any, default=None, shape="open")


def nearest(key: str, *, prefix: str = "", upper: bool = False, more: Iterable[str] = ()) -> str:
    """The end of a sentence about an unknown ``key``: the nearest that exists, spelled as in its place."""
    close = get_close_matches(key, [*options(), *more], n=1)
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
        case "list":
            listed = _literal(text)
            return decode(option, listed if isinstance(listed, list) else text, place)
        case "table":
            return decode(option, _literal(text), place)
        case "open":
            return _literal(text)
        case _:
            assert_never(option.shape)


def decode(option: Option, value: Any, place: str) -> Any:
    """Check a value from a file; ``place`` names that in the error. Raises ``SettingsError``."""
    if option.shape == "secret" and not isinstance(value, str):
        raise SettingsError(f"{place} must be a string.")
    if option.shape == "list" and isinstance(value, str):
        return _convert(option, [value], place)
    return _convert(option, value, place)


def flatten(option: Option, value: Any, origin: str) -> Iterator[tuple[str, Setting]]:
    """A decoded value as settings: one, or one an entry for the open table."""
    if option.key == OPEN_TABLE:
        yield from ((f"{OPEN_TABLE}_{name}", Setting(value=entry, origin=origin)) for name, entry in value.items())
    else:
        yield option.key, Setting(value=value, origin=origin)


def _convert(option: Option, value: Any, place: str) -> Any:
    if option.choices and value not in option.choices:
        raise SettingsError(f"{place} {value!r} is not one of {', '.join(option.choices)}.")
    try:
        converted = msgspec.convert(value, option.type, dec_hook=decode_option)
    except msgspec.ValidationError as error:
        reason = str(error).replace("Expected", "expected").replace("`", "")
        raise SettingsError(f"{place} {value!r} cannot be used: {reason}.") from None
    if isinstance(converted, float) and not math.isfinite(converted):
        raise SettingsError(f"{place} {value!r} cannot be used: expected a finite number.")
    return converted


def _number(text: str) -> int | float | str:
    """A number as Python writes it (``.5`` too), or the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _literal(text: str) -> Any:
    """A JSON literal, or the text itself; Python's ``True`` and ``False`` are no strings that would count as true."""
    try:
        return msgspec.json.decode(text.lower() if text in {"True", "False"} else text)
    except msgspec.DecodeError:
        return text


def _option(field: msgspec.structs.FieldInfo, brought: dict[str, tuple[registry.Stage, tuple[str, ...]]]) -> Option:
    described = inspect.type_info(field.type)
    assert isinstance(described, inspect.Metadata), f"{field.name} is described by msgspec.Meta"
    stage, engines = brought.get(field.name, (None, ()))
    value = _value_type(described)
    return Option(
        key=field.name,
        type=field.type,
        default=field.default if field.default is not msgspec.NODEFAULT else field.default_factory(),
        shape=_shape(value),
        description=(described.extra_json_schema or {})["description"],
        group=model.STAGE_GROUPS[stage] if stage else (described.extra or {})["group"],
        engines=engines,
        choices=_choices(field.name, value),
    )


def _choices(key: str, value: inspect.Type) -> tuple[str, ...]:
    for stage, engine_key in model.ENGINE_KEYS.items():
        if key == engine_key:
            return model.choices(stage)
    return tuple(str(word) for word in value.values) if isinstance(value, inspect.LiteralType) else ()


def _value_type(described: inspect.Type) -> inspect.Type:
    """The type of a value that is there: without its description and without ``None``."""
    match described:
        case inspect.Metadata():
            return _value_type(described.type)
        case inspect.UnionType():
            (value,) = [each for each in described.types if not isinstance(each, inspect.NoneType)]
            return _value_type(value)
        case _:
            return described


def _shape(value: inspect.Type) -> Shape:
    match value:
        case inspect.BoolType():
            return "switch"
        case inspect.IntType() | inspect.FloatType():
            return "number"
        case inspect.StrType() | inspect.LiteralType():
            return "text"
        case inspect.CustomType() if value.cls is Secret:
            return "secret"
        case inspect.VarTupleType() | inspect.ListType():
            return "list"
        case inspect.DictType():
            return "table"
        case _:
            raise TypeError(f"settings of type {value!r} are not supported")

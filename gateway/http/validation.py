"""Converts the fields of a request to its wire type, and words what is wrong with them as OpenAI does."""

import re
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from adapters.contract.errors import InvalidRequest
from gateway.http.form import Fields
from gateway.http.json_text import decode_json

StructT = TypeVar("StructT", bound=msgspec.Struct)

LONGEST_SHOWN = 100
"""Characters of a value that an error repeats."""


def fields_of(
    fields: Fields, model: type[StructT], structures: Iterable[str], files: Iterable[str] = ()
) -> tuple[StructT, tuple[str, ...]]:
    """The fields as ``model``, and the names of those that have no effect.

    Those are fields that it does not know, uploads that are none of ``files``, and what ``fields.ignored`` says.
    ``structures`` are the fields that hold JSON when they are sent as text. ``null`` is the same as absent. Raises
    ``InvalidRequest`` in OpenAI's words, also for a structure that came as parts which cannot be put together.
    """
    types = {field.name: field.type for field in msgspec.structs.fields(model)}
    if fields.textual:
        _refuse_scattered(fields.values, set(structures))
    values = {name: value for name, value in fields.values.items() if name in types and value is not None}
    if fields.textual:
        values |= {name: _structure(name, values[name], types[name]) for name in structures if name in values}
    unknown = {name for name in fields.values if name not in types} | fields.uploads.keys() - set(files)
    unknown.update(fields.ignored)
    try:
        return msgspec.convert(values, model, strict=not fields.textual), tuple(sorted(unknown))
    except msgspec.ValidationError as error:
        raise invalid(str(error), values, model) from None


def _refuse_scattered(names: Iterable[str], structures: set[str]) -> None:
    """Refuse a structure flattened to names such as ``messages[][role]``, from which it cannot be made again."""
    for name in names:
        field, bracket, _ = name.partition("[")
        if bracket and field in structures:
            raise InvalidRequest(
                f"Invalid {field!r}: it cannot be put together from fields such as {name!r}; "
                f"send {field!r} as JSON text: json.dumps(...).",
                param=field,
                code="invalid_value",
            )


def _structure(name: str, value: Any, kind: Any) -> Any:
    """The JSON in a text field of the type ``kind``; what is no JSON stays what it is where text will do."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return decode_json(value)
    except ValueError as error:
        if _takes_text(kind):
            return value
        raise InvalidRequest(f"Invalid JSON in {name!r}: {error}.", param=name) from None


def _takes_text(kind: Any) -> bool:
    """Whether a text or a word is among what a type takes."""
    if get_origin(kind) in {Annotated, Union, UnionType}:
        return any(map(_takes_text, get_args(kind)))
    return kind is str or get_origin(kind) is Literal


_WORDS = {  # msgspec's names, and for the tags of structures those of Python's types
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
    "list": "an array",
    "dict": "an object",
    "NoneType": "null",
}


def _worded(types: str) -> str:
    return " or ".join(_WORDS.get(word, word) for word in types.split(" | "))


def invalid(problem: str, values: dict[str, Any], model: type[msgspec.Struct]) -> InvalidRequest:
    """What msgspec says of ``values`` for ``model``, in the words of OpenAI's error catalogue."""
    reason, of_key, path = problem.partition(" - at `key` in `$")
    if not of_key:
        reason, _, path = problem.partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    param, in_object, _ = path.partition("[...]")
    value = _value_at(values, param)
    shown = param
    if of_key:
        shown, value = f"{param}.<key>", max(value, key=len)
    elif in_object:  # msgspec does not say in which of the keys
        key, value = _unfit(value)
        shown = f"{param}.{key[:LONGEST_SHOWN]}"
    if missing := re.fullmatch(r"Object missing required field `(.+)`", reason):
        inner = f"{param}.{missing[1]}".lstrip(".")
        return InvalidRequest(f"Missing required parameter: '{inner}'.", param=inner, code="missing_required_parameter")
    if limit := re.fullmatch(r"Expected `(float|int)` (>=|<=) ([-\d.]+)", reason):
        kind = "decimal" if limit[1] == "float" else "integer"
        side, code = ("below minimum", "below_min") if limit[2] == ">=" else ("above maximum", "above_max")
        return InvalidRequest(
            f"Invalid '{param}': {kind} {side} value. Expected a value {limit[2]} {limit[3]}, "
            f"but got {str(value)[:LONGEST_SHOWN]} instead.",
            param=param,
            code=f"{kind}_{code}_value",
        )
    if longest := re.fullmatch(r"Expected `(array|str|object)` of length <= (\d+)", reason):
        return _too_long(longest[1], int(longest[2]), len(value), param, shown)
    if wrong := re.fullmatch(r"Invalid (?:enum )?value (.+)", reason, re.DOTALL):
        choices = dict.fromkeys(_choices(model, _STEP.findall(path)))
        supported = f" Supported values are: {', '.join(map(repr, choices))}." if choices else ""
        return InvalidRequest(
            f"Invalid value: {wrong[1][:LONGEST_SHOWN]}.{supported}", param=param, code="invalid_value"
        )
    if mismatch := re.fullmatch(r"Expected `(.+)`, got `(.+)`", reason):
        wanted, got = _worded(mismatch[1]), _worded(mismatch[2])
        message = f"Invalid type for '{shown}': expected {wanted}, but got {got} instead."
        return InvalidRequest(message, param=param, code="invalid_type")
    return InvalidRequest(f"Invalid '{param}': {reason[:LONGEST_SHOWN]}.", param=param, code="invalid_value")


def _too_long(kind: str, limit: int, length: int, param: str, shown: str) -> InvalidRequest:
    """What is said of a text, an array or an object; ``shown`` may hold what clients wrote, ``param`` never."""
    if kind == "object":
        return InvalidRequest(
            f"Invalid '{shown}': too many properties. Expected an object with at most {limit} properties, "
            f"but got an object with {length} properties instead.",
            param=param,
            code="object_above_max_properties",
        )
    noun, article = ("array", "an") if kind == "array" else ("string", "a")
    return InvalidRequest(
        f"Invalid '{shown}': {noun} too long. Expected {article} {noun} with maximum length {limit}, "
        f"but got {article} {noun} with length {length} instead.",
        param=param,
        code=f"{noun}_above_max_length",
    )


def _unfit(members: dict[str, Any]) -> tuple[str, Any]:
    """The member of an object of texts that is none, or else the longest."""
    others = ((key, value) for key, value in members.items() if not isinstance(value, str))
    return next(others, None) or max(members.items(), key=lambda member: len(member[1]))


def _value_at(values: Any, path: str) -> Any:
    """What is at a path such as ``messages[0].content``."""
    for step in _STEP.findall(path):
        values = values[int(step[1:-1])] if step.startswith("[") else values[step]
    return values


_STEP = re.compile(r"\[\d+\]|[^.\[\]]+")
"""A part of a path: a name, or a place in an array."""


def _choices(kind: Any, steps: Sequence[str]) -> tuple[Any, ...]:
    """The words that are taken where ``steps`` lead from a type; among them the tags that tell structures apart."""
    origin = get_origin(kind)
    if origin in {Annotated, Union, UnionType}:
        return tuple(choice for part in get_args(kind) for choice in _choices(part, steps))
    if not steps:
        return get_args(kind) if origin is Literal else ()
    if origin is list and steps[0].startswith("["):
        return _choices(get_args(kind)[0], steps[1:])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if steps[0] == kind.__struct_config__.tag_field:
            return (kind.__struct_config__.tag,)
        types = {field.name: field.type for field in msgspec.structs.fields(kind)}
        return _choices(types[steps[0]], steps[1:]) if steps[0] in types else ()
    return ()

"""Converts the fields of a request to its wire type, and words what is wrong with them as OpenAI does."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from adapters.contract.errors import InvalidRequest
from gateway.http.form import Fields
from gateway.http.json_text import decode_json
from gateway.wire.supported_values import supported_values

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
    types = _types(model)
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


@cache
def _types(model: type[msgspec.Struct]) -> Mapping[str, Any]:
    """The types of a model's fields by name; working them out takes longer than the conversion."""
    return {field.name: field.type for field in msgspec.structs.fields(model)}


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


_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a decimal",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
    "NoneType": "null",
    "list": "an array",
    "dict": "an object",
}


def _expected(types: str) -> str:
    """The ``types`` that msgspec takes in OpenAI's words, which do not say that a field may be null."""
    first, *others = [_WORDS.get(word, word) for word in types.split(" | ") if word != "null"]
    rest = [word.partition(" ")[2] for word in others]
    return f"one of {', '.join([first, *rest[:-1]])} or {rest[-1]}" if rest else first


def invalid(problem: str, values: dict[str, Any], model: type[msgspec.Struct]) -> InvalidRequest:
    """What msgspec says of ``values`` for ``model``, in the words of OpenAI's error catalogue."""
    reason, _, path = problem.partition(" - at `")
    in_key = path.startswith("key` in `")
    param = path.removeprefix("key` in `").rstrip("`").lstrip("$.")
    value = _value_at(values, param)
    if in_key:
        value = max(value, key=len)
    param = param.partition("[...]")[0]  # which of the keys is meant, msgspec does not say
    if missing := re.fullmatch(r"Object missing required field `(.+)`", reason):
        inner = f"{param}.{missing[1]}".lstrip(".")
        return InvalidRequest(f"Missing required parameter: '{inner}'.", param=inner, code="missing_required_parameter")
    if limit := re.fullmatch(r"Expected `(float|int)` (>=|<=) ([-\d.]+)", reason):
        kind = "decimal" if limit[1] == "float" else "integer"
        side, code = ("below minimum", "below_min") if limit[2] == ">=" else ("above maximum", "above_max")
        return InvalidRequest(
            f"Invalid '{param}': {kind} {side} value. Expected a value {limit[2]} {limit[3]}, "
            f"but got {_shown(value, kind)} instead.",
            param=param,
            code=f"{kind}_{code}_value",
        )
    if longest := re.fullmatch(r"Expected `(array|object|str)` of length <= (\d+)", reason):
        return _too_long(param, _WORDS[longest[1]], longest[2], len(value))
    if word := re.fullmatch(r"Invalid (?:enum )?value (.+)", reason, re.DOTALL):
        choices = _choices(model, re.findall(r"[^.\[\]]+", param))
        supported = f" {supported_values(choices)}" if choices else ""
        return InvalidRequest(
            f"Invalid value: {word[1][:LONGEST_SHOWN]}.{supported}", param=param, code="invalid_value"
        )
    if mismatch := re.fullmatch(r"Expected `(.+)`, got `(.+)`", reason):
        got = _WORDS.get(mismatch[2], mismatch[2])
        message = f"Invalid type for '{param}': expected {_expected(mismatch[1])}, but got {got} instead."
        return InvalidRequest(message, param=param, code="invalid_type")
    return InvalidRequest(f"Invalid '{param}': {reason[:LONGEST_SHOWN]}.", param=param, code="invalid_value")


def _too_long(param: str, kind: str, limit: str, length: int) -> InvalidRequest:
    """A text, a list or an object that holds more than it may; ``kind`` is its name with an article."""
    noun = kind.rsplit(maxsplit=1)[-1]
    if noun == "object":
        problem, limits, has = "too many properties", f"at most {limit} properties", f"{length} properties"
    else:
        problem, limits, has = f"{noun} too long", f"maximum length {limit}", f"length {length}"
    return InvalidRequest(
        f"Invalid '{param}': {problem}. Expected {kind} with {limits}, but got {kind} with {has} instead.",
        param=param,
        code="object_above_max_properties" if noun == "object" else f"{noun}_above_max_length",
    )


def _value_at(values: Any, path: str) -> Any:
    """What is at a path such as ``messages[0].content``; ``[...]`` is some value of a map, here its longest text."""
    for some, index, name in re.findall(r"\[(\.\.\.)\]|\[(\d+)\]|([^.\[\]]+)", path):
        if some:
            values = max(values.values(), key=lambda value: len(value) if isinstance(value, str) else -1)
        else:
            values = values[int(index)] if index else values[name]
    return values


def _shown(value: Any, kind: str) -> str:
    """A number out of range; a whole one that stands for a decimal is written as one."""
    return f"{value}{'.0' if kind == 'decimal' and isinstance(value, int) else ''}"[:LONGEST_SHOWN]


def _choices(kind: Any, path: Sequence[str]) -> tuple[str, ...]:
    """The words that are taken at ``path``, field names and indices, of a value of the type ``kind``."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if path and path[0] == kind.__struct_config__.tag_field:
            return (str(kind.__struct_config__.tag),)
        types = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
        return _choices(types[path[0]], path[1:]) if path and path[0] in types else ()
    if get_origin(kind) is Literal:
        return () if path else get_args(kind)
    if get_origin(kind) is list:
        path = path[1:]
    found = (choice for part in get_args(kind) for choice in _choices(part, path))
    return tuple(dict.fromkeys(found))

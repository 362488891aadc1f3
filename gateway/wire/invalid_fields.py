"""Words what is wrong with the fields of a request as OpenAI does."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, get_args, get_origin

import msgspec

from adapters.contract.errors import InvalidRequest
from gateway.wire.supported_values import supported_values

LONGEST_SHOWN = 100
"""Characters of a value that an error repeats."""

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


@contextmanager
def fields_below(name: str) -> Iterator[None]:
    """What is refused within is a field below ``name``, and is called so. Raises ``InvalidRequest``."""
    try:
        yield
    except InvalidRequest as error:
        param = f"{name}.{error.param}" if error.param else name
        message = error.message.replace(f"'{error.param}'", f"'{param}'")
        raise InvalidRequest(message, param=param, code=error.code) from None


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

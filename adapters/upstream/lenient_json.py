"""Decodes JSON that a server wrote: repairs what can be repaired, and ignores fields of an unexpected type.

A strict decoder is tried first. Only if it fails, the text is repaired (bytes that are not UTF-8, half surrogate pairs,
``NaN``, control characters in strings) and each field is converted on its own: an index ``"0"`` is read as a number, an
object as a list of one; a field that cannot be converted keeps its default. So one odd field never costs an answer.
"""

import json
import math
import re
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import inspect

_MAX_LEVELS = 100
_MAX_INTEGER = 2**53  # what every JSON parser reads exactly

_ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole surrogate pair
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    r"|\\.",
    re.DOTALL,
)

T = TypeVar("T")


class UnreadableJson(ValueError):
    """The data is not JSON, is nested too deeply, or is not an object where one is needed."""


class LenientDecoder(Generic[T]):
    """Decodes into the struct ``kind``, all of whose fields have a default."""

    def __init__(self, kind: type[T]) -> None:
        self._type = inspect.type_info(kind)
        self._strict = msgspec.json.Decoder(kind)

    def decode(self, data: bytes) -> T:
        """Decode one object; a list stands for its first item. Raises ``UnreadableJson``."""
        try:
            return self._strict.decode(data)
        except (ValueError, RecursionError):
            value = decode_any(data)
        return self.convert(value[0] if isinstance(value, list) and value else value)

    def convert(self, value: Any) -> T:
        """Convert an object that is decoded already. Raises ``UnreadableJson``."""
        converted: T = _convert(value, self._type)
        return converted


def decode_any(data: bytes) -> Any:
    """Decode any JSON value. Raises ``UnreadableJson``."""
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError):
        pass
    text = data.decode("utf-8-sig", "replace")
    text = _ESCAPES.sub(lambda found: "\\ufffd" if found[1] else found[0], text)
    try:
        return json.loads(text, strict=False, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise UnreadableJson("not JSON") from error


def token_count(value: int | None) -> int:
    """A number of tokens as servers give it; 0 if it is missing or cannot be true."""
    return value if value is not None and 0 <= value <= _MAX_INTEGER else 0


def is_shallow(value: Any, levels: int = _MAX_LEVELS) -> bool:
    """Whether lists and objects are nested at most ``levels`` deep, so that ``value`` can be encoded again."""
    if not isinstance(value, list | dict):
        return True
    items = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(is_shallow(item, levels - 1) for item in items)


def _convert(value: Any, kind: inspect.Type) -> Any:
    """``value`` as ``kind``. Raises ``UnreadableJson`` if it cannot be converted."""
    match kind:
        case inspect.AnyType():
            return value
        case inspect.UnionType():
            return None if value is None else _convert(value, _only(kind))
        case inspect.StrType() if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
        case inspect.IntType() if isinstance(value, str | int | float) and not isinstance(value, bool):
            return _integer(value)
        case inspect.DictType() if isinstance(value, dict):
            return value
        case inspect.ListType() if isinstance(value, list | dict):
            items = value if isinstance(value, list) else [value]
            return [found for item in items if (found := _converted(item, kind.item_type)) is not None]
        case inspect.StructType() if isinstance(value, dict):
            fields = {
                field.name: _converted(value[field.encode_name], field.type)
                for field in kind.fields
                if field.encode_name in value
            }
            return kind.cls(**{name: found for name, found in fields.items() if found is not None})
        case _:
            raise UnreadableJson("a value of another type")


def _converted(value: Any, kind: inspect.Type) -> Any:
    """``value`` as ``kind``; ``None`` if it cannot be converted."""
    try:
        return _convert(value, kind)
    except UnreadableJson:
        return None


def _only(kind: inspect.UnionType) -> inspect.Type:
    """The type of ``X | None``, the one union that wire structs use."""
    [only] = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
    return only


def _integer(value: str | float) -> int:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= _MAX_INTEGER:
        raise UnreadableJson("not a number of a usual size")
    return int(number)

"""Converts the fields of a request to its wire type."""

from collections.abc import Iterable, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from adapters.contract.errors import InvalidRequest
from gateway.http.form import Fields
from gateway.wire.invalid_fields import invalid
from gateway.wire.json_text import decode_json

StructT = TypeVar("StructT", bound=msgspec.Struct)


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

"""How an engine declares its options: a msgspec struct whose fields are settings, described by ``msgspec.Meta``."""

from typing import Any, Literal, TypeVar

import msgspec
from msgspec import inspect

OptionsT = TypeVar("OptionsT", bound=msgspec.Struct)

Shape = Literal["switch", "number", "text", "secret", "list", "secrets", "table"]
"""How the value of an option is written."""


class Secret:
    """A value that is never shown: its ``repr`` and ``str`` are ``***``; ``reveal()`` gives it where it is sent."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def shown_url(url: str) -> str:
    """A URL, or a text in its place, without the parts that may hold secrets: user, password and query."""
    scheme, slashes, rest = url.partition("://") if "://" in url else ("", "", url)
    _, at, place = rest.rpartition("@")
    path, mark, _ = place.partition("?")
    return f"{scheme}{slashes}{'***@' if at else ''}{path}{'?***' if mark else ''}"


class BadOption(ValueError):
    """An option, or a combination of options, that cannot work; raised by an engine's constructor, before any I/O.

    The message is one sentence that names the flag, the value and what to do instead.
    """


def decode_option(kind: type, value: Any) -> Any:
    """msgspec's ``dec_hook`` for option types: a string becomes a ``Secret``."""
    if kind is Secret and isinstance(value, str | Secret):
        return value if isinstance(value, Secret) else Secret(value)
    raise NotImplementedError(f"options of type {kind!r} are not supported")


def pick(settings: msgspec.Struct, options: type[OptionsT]) -> OptionsT:
    """Take from the flat ``settings`` the fields that ``options`` declares."""
    return options(**{field: getattr(settings, field) for field in options.__struct_fields__})


def require_declared(options: Any) -> None:
    """Raise ``TypeError`` unless ``options`` is a struct that settings can be made of.

    Every field of it has a default, a description in ``msgspec.Meta`` and a type that has a ``Shape``.
    """
    if not (isinstance(options, type) and issubclass(options, msgspec.Struct)):
        raise TypeError("it has no Options, a msgspec.Struct")
    for field in msgspec.structs.fields(options):
        if field.required:
            raise TypeError(f"its option {field.name!r} has no default")
        described = inspect.type_info(field.type)
        if not isinstance(described, inspect.Metadata) or not (described.extra_json_schema or {}).get("description"):
            raise TypeError(f"its option {field.name!r} has no description")
        shape_of(value_type(described))


def value_type(described: inspect.Type) -> inspect.Type:
    """The type of a value that is set: without its description and without ``None``. Raises ``TypeError``."""
    match described:
        case inspect.Metadata():
            return value_type(described.type)
        case inspect.UnionType():
            values = [each for each in described.types if not isinstance(each, inspect.NoneType)]
            if len(values) != 1:
                raise TypeError(f"options that are one of several types ({values!r}) are not supported")
            return value_type(values[0])
        case _:
            return described


def shape_of(value: inspect.Type) -> Shape:
    """How a value of this type is written. Raises ``TypeError`` for types that options cannot have."""
    match value:
        case inspect.BoolType():
            return "switch"
        case inspect.IntType() | inspect.FloatType():
            return "number"
        case inspect.StrType():
            return "text"
        case inspect.LiteralType() if all(isinstance(word, str) for word in value.values):
            return "text"
        case inspect.CustomType() if value.cls is Secret:
            return "secret"
        case inspect.VarTupleType(item_type=inspect.CustomType(cls=cls)) if cls is Secret:
            return "secrets"
        case inspect.VarTupleType() | inspect.ListType():
            return "list"
        case inspect.DictType() | inspect.StructType():
            return "table"
        case _:
            raise TypeError(f"options of type {value!r} are not supported")

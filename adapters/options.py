"""How an engine declares its options: a msgspec struct whose fields are settings, described by ``msgspec.Meta``."""

from typing import Any, TypeVar

import msgspec

OptionsT = TypeVar("OptionsT", bound=msgspec.Struct)


class Secret:
    """A value that never shows: its ``repr`` and ``str`` are ``***``; ``reveal()`` where it is sent."""

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


class BadOption(ValueError):
    """An option, or a combination of options, that cannot work; raised by an engine's constructor, before any I/O.

    The message is one sentence that names the flag, the value and the way out.
    """


def decode_option(kind: type, value: Any) -> Any:
    """msgspec's ``dec_hook`` for option types: a string becomes a ``Secret``."""
    if kind is Secret and isinstance(value, str | Secret):
        return value if isinstance(value, Secret) else Secret(value)
    raise NotImplementedError(f"options of type {kind!r} are not supported")


def pick(settings: msgspec.Struct, options: type[OptionsT]) -> OptionsT:
    """Take from the flat ``settings`` the fields that ``options`` declares."""
    return options(**{field: getattr(settings, field) for field in options.__struct_fields__})

"""Reads the ``[[keys]]`` of a configuration file."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from adapters.options import BadOption, Secret, decode_option
from gateway.access.caller import ANYONE, NOBODY, Caller
from gateway.access.keys import Key, checked_key, digest_in, hash_of
from gateway.access.limits import Limits
from gateway.access.standing import EVERYBODY
from gateway.settings.model import SettingsError
from gateway.settings.reasons import NAME, reason

RESERVED = (ANYONE.name, NOBODY.name, EVERYBODY)

Names = Annotated[tuple[str, ...], Meta(min_length=1)]


class KeyTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ``[[keys]]``: who may use the gateway with it, and for what."""

    name: Annotated[
        str,
        Meta(
            pattern=NAME,
            description="Whose key it is, in logs, usage and stores; the same for the key that replaces it.",
        ),
    ]
    hash: Annotated[
        str | Names | None,
        Meta(description="Of the key, as speech-to-speech key new prints it; a list while a new one replaces an old."),
    ] = None
    key: Annotated[Secret | None, Meta(description="The key itself, in place of its hash; better not.")] = None
    admin: Annotated[bool, Meta(description="The operator's: it may see the usage of all keys, and /metrics.")] = False
    disabled: Annotated[bool, Meta(description="Refused until this is false.")] = False
    expires: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="From when on it is refused, with a time zone: 2030-01-31T00:00:00Z."),
    ] = None
    routes: Annotated[Names | None, Meta(description="The only routes that it may use.")] = None
    surfaces: Annotated[Names | None, Meta(description="The only surfaces that it may use.")] = None
    limits: Annotated[Limits, Meta(description="The most that it may use.")] = Limits()


def read_keys(tables: Any, path: str) -> tuple[tuple[Key, ...], list[str]]:
    """The keys of the file ``path``, and warnings. Raises ``SettingsError``, ``BadOption``; no message shows a key."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{path}: 'keys' must be a list of tables, written [[keys]] in TOML.")
    read = [_table(table, f"{path}: key {number}") for number, table in enumerate(tables, start=1)]
    plain = [table.name for table in read if table.key is not None]
    warnings = [
        f"{path} holds the keys of {', '.join(plain)} as they are: 'speech-to-speech key new NAME' makes keys of "
        "which only the hash is in the file."
    ]
    return tuple(_key(table, path) for table in read), warnings if plain else []


def _table(table: dict[str, Any], place: str) -> KeyTable:
    try:
        return msgspec.convert(table, KeyTable, dec_hook=decode_option)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{place} cannot be used: {reason(error)}.") from None
    except NotImplementedError:  # of decode_option
        raise SettingsError(f"{place} cannot be used: its 'key' must be a string.") from None


def _key(table: KeyTable, path: str) -> Key:
    place = f"{path}: the key of {table.name!r}"
    if table.name in RESERVED:
        raise SettingsError(f"{path}: no key can have the name {table.name!r}, which the gateway uses itself.")
    if (table.hash is None) == (table.key is None):
        raise SettingsError(f"{place} needs a 'hash' or a 'key', one of the two.")
    hashes = (table.hash or "",) if not isinstance(table.hash, tuple) else table.hash
    if table.key is not None:
        hashes = (hash_of(checked_key(table.key, place)),)
    digests = tuple(digest for digest in map(digest_in, hashes) if digest is not None)
    if len(digests) < len(hashes):
        raise BadOption(
            f"{place} has a 'hash' that is none: 'sha256:' and 64 hexadecimal digits, as "
            "'speech-to-speech key new NAME' prints it."
        )
    caller = Caller(
        name=table.name, admin=table.admin, routes=table.routes, surfaces=table.surfaces, limits=table.limits
    )
    return Key(digests=digests, caller=caller, disabled=table.disabled, expires=table.expires)

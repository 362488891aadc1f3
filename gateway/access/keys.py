"""Keys that clients show: how one is made, kept as a hash, and recognised."""

import hashlib
import re
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from adapters.contract.errors import InvalidRequest
from adapters.options import BadOption, Secret
from gateway.access.caller import Caller

RANDOM_BYTES = 32
"""Of a new key: 256 random bits."""

HASH_PREFIX = "sha256:"
"""How a hash begins. A slow hash protects words that people choose; a key is 256 random bits, which nobody finds by
trying, and it is checked with every request."""

SHORTEST_KEY = 16
"""Characters of a key that an operator chose; shorter ones can be guessed."""

_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_SENDABLE = re.compile(r"[\x21-\x7e]+")
"""What can stand in a header as one word."""


class InvalidKey(InvalidRequest):
    """The request shows no key, or one that is not good."""


class NotAllowed(InvalidRequest):
    """The request may not be made: by this key, by this web page, or under this name of the gateway."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as the gateway knows it: its SHA-256, in a rotation those of the old and the new one, and whose it is."""

    digests: tuple[bytes, ...]
    caller: Caller
    disabled: bool = False
    expires: datetime | None = None


def new_key() -> str:
    """A random key."""
    return f"sk-{secrets.token_urlsafe(RANDOM_BYTES)}"


def hash_of(key: str) -> str:
    """The hash of ``key`` as the configuration has it."""
    return f"{HASH_PREFIX}{digest_of(key).hex()}"


def digest_in(hash_: str) -> bytes | None:
    """The SHA-256 that a hash of the configuration says; ``None`` for a text that is no hash."""
    found = _HASH.fullmatch(hash_.lower())
    return None if found is None else bytes.fromhex(found[1])


def checked_key(key: Secret, place: str) -> str:
    """A key that an operator chose, if it can be used. Raises ``BadOption``; ``place`` says where it stands."""
    text = key.reveal()
    if not _SENDABLE.fullmatch(text):
        raise BadOption(
            f"{place} has a key that no client can send: it must be ASCII characters without spaces. "
            "'speech-to-speech key new NAME' makes one."
        )
    if len(text) < SHORTEST_KEY:
        raise BadOption(
            f"{place} has a key of {len(text)} characters, which can be guessed: at least {SHORTEST_KEY} are needed. "
            "'speech-to-speech key new NAME' makes one."
        )
    return text


def listed_keys(keys: Iterable[Secret]) -> tuple[Key, ...]:
    """The keys of ``--api_keys``, each named after its hash. Raises ``BadOption``."""
    digests = dict.fromkeys(digest_of(checked_key(key, "--api_keys")) for key in keys)
    return tuple(Key(digests=(digest,), caller=Caller(name=f"key-{digest.hex()[:8]}")) for digest in digests)


def check_keys(keys: Collection[Key], routes: Collection[str], surfaces: Collection[str]) -> None:
    """Raise ``BadOption`` for two keys that cannot be told apart, and for a route or surface that does not exist."""
    names: set[str] = set()
    owners: dict[bytes, str] = {}
    for key in keys:
        name = key.caller.name
        if name in names:
            raise BadOption(
                f"Two [[keys]] have the name {name!r}; give each a name of its own, or one table a list of hashes."
            )
        for digest in key.digests:
            if digest in owners:
                raise BadOption(f"{owners[digest]!r} and {name!r} have the same key; remove one of the two.")
            owners[digest] = name
        names.add(name)
        for what, wanted, known in (("route", key.caller.routes, routes), ("surface", key.caller.surfaces, surfaces)):
            if unknown := [each for each in wanted or () if each not in known]:
                raise BadOption(f"The key {name!r} has an unknown {what} {unknown[0]!r}; there are {', '.join(known)}.")


class Keyring:
    """The keys of a gateway; without any, everybody may use it."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self.replace(keys)

    def replace(self, keys: Iterable[Key]) -> None:
        """Know these keys from now on; requests that are being answered go on."""
        self._keys = {digest: key for key in keys for digest in key.digests}

    @property
    def empty(self) -> bool:
        """Whether no key is needed."""
        return not self._keys

    @property
    def callers(self) -> list[Caller]:
        """The owners of all keys."""
        return list({key.caller.name: key.caller for key in self._keys.values()}.values())

    def caller(self, shown: str | None, now: datetime) -> Caller:
        """Whose the key ``shown`` is at the time ``now``. Raises ``InvalidKey``."""
        if not shown:
            raise InvalidKey(
                "You didn't provide an API key. You need to provide your API key in an Authorization header using "
                "Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
            )
        # Looking a digest up takes a time that tells nothing about a key: nobody can choose how a digest begins.
        key = self._keys.get(digest_of(shown))
        if key is None:
            why = "A client secret opens realtime sessions only. " if shown.startswith("ek_") else ""
            raise _invalid(
                f"Incorrect API key provided: {masked(shown)}. {why}Ask the operator of this gateway for one."
            )
        return _good(key, masked(shown), now)

    def named(self, name: str, now: datetime) -> Caller:
        """The owner ``name`` of a key that is good at the time ``now``. Raises ``InvalidKey``."""
        key = next((key for key in self._keys.values() if key.caller.name == name), None)
        if key is None:
            raise _invalid("The API key that made this client secret is not good any more.")
        return _good(key, f"of {name}", now)


def _good(key: Key, shown: str, now: datetime) -> Caller:
    """Whose ``key`` is. Raises ``InvalidKey`` if it is not good at the time ``now``."""
    if key.disabled:
        raise _invalid(f"The API key {shown} is disabled. Ask the operator of this gateway about it.")
    if key.expires is not None and now >= key.expires:
        raise _invalid(
            f"The API key {shown} expired at {key.expires.isoformat()}. Ask the operator of this gateway for a new one."
        )
    return key.caller


def masked(key: str) -> str:
    """``key`` as messages show it: its first three and last four characters, of a short one nothing."""
    return f"{key[:3]}***{key[-4:]}" if len(key) >= SHORTEST_KEY else "***"


def _invalid(message: str) -> InvalidKey:
    return InvalidKey(message, code="invalid_api_key")


def digest_of(key: str) -> bytes:
    """The SHA-256 by which a key, or a secret, is known."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()

"""Who sent a request."""

import msgspec

from gateway.access.limits import Limits


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The owner of a key, or everybody when the gateway has no keys.

    ``name`` identifies the owner in logs, usage and stores, and outlives a change of the key. ``routes`` and
    ``surfaces`` are those that the key may use; ``None`` is all of them.
    """

    name: str
    admin: bool = False
    routes: tuple[str, ...] | None = None
    surfaces: tuple[str, ...] | None = None
    limits: Limits = Limits()


ANYONE = Caller(name="anyone", admin=True)
"""The caller of a gateway without keys; whoever reaches it operates it."""

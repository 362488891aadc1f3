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

    def may_ask(self, route: str) -> bool:
        """Whether ``route`` is one of those that the key may use."""
        return self.routes is None or route in self.routes

    def may_use(self, surface: str) -> bool:
        """Whether ``surface`` is one of those that the key may use."""
        return self.surfaces is None or surface in self.surfaces


ANYONE = Caller(name="anyone", admin=True)
"""The caller of a gateway without keys; everybody who reaches it operates it."""

NOBODY = Caller(name="nobody", routes=(), surfaces=())
"""The caller of what needs no key at a gateway that has keys, such as ``/health``; may use no route."""

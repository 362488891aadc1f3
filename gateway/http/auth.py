"""Who sent a request."""

from litestar.types import Scope

from gateway.access.caller import ANYONE, Caller


def caller_of(scope: Scope) -> Caller:
    """The caller whose key came with this request; ``ANYONE`` at a gateway without keys."""
    caller: Caller = scope.setdefault("state", {}).get("caller", ANYONE)
    return caller

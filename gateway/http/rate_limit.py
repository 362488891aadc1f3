"""Limits what callers use: requests and turns at once before the body is read, the rest before a turn begins."""

from collections.abc import Iterable
from contextlib import ExitStack

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.access.meter import Kind, Meter
from gateway.access.standing import Standing
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import STAGES, ServedRoute, Stage
from gateway.http.auth import caller_of
from gateway.http.handshake import refuse_handshake
from gateway.turns.turn_place import needed

_KEY = "speech_gateway_standing"
_PLACE = "speech_gateway_place"


class RateLimit(ASGIMiddleware):
    """Counts the requests of handlers that say ``opt={"limited": True}``, by their callers, with ``meter``.

    A WebSocket is a session; a handler that knows better says ``"opens_session"``, a function of the scope.
    """

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)
    should_bypass_for_scope = staticmethod(lambda scope: not scope["route_handler"].opt.get("limited"))

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Serve the request or raise ``Overloaded``, which a WebSocket handshake is answered with."""
        caller = caller_of(scope)
        opens_session = scope["route_handler"].opt.get("opens_session", _is_websocket)
        kind: Kind = "sessions" if opens_session(scope) else "turns"
        taken = await self._meter.take(caller, kind)
        scope.setdefault("state", {})[_KEY] = taken.standing
        if taken.refusal is not None:
            if scope["type"] == ScopeType.HTTP:
                raise taken.refusal
            await refuse_handshake(taken.refusal, scope, send)
            return
        with ExitStack() as place:
            place.callback(self._meter.leave, caller.name, kind, taken)
            scope["state"][_PLACE] = place
            await next_app(scope, receive, send)


def _is_websocket(scope: Scope) -> bool:
    return scope["type"] == ScopeType.WEBSOCKET


def taken_place(scope: Scope) -> ExitStack:
    """The place of this request among those that its caller may have at once; who takes it has to close it."""
    place: ExitStack = scope["state"][_PLACE]
    return place.pop_all()


def admit(
    scope: Scope, gateway: Gateway, model: str | None, stages: Iterable[Stage] = STAGES, named_by: Stage | None = None
) -> ServedRoute:
    """The route for a turn, see ``Gateway.admit``; the turn's caller must have something left of what it will use.

    Its windows are looked at as they were when the request came. Raises what ``Gateway.admit`` raises, and
    ``Overloaded``.
    """
    stages = tuple(stages)
    standing: Standing = scope.setdefault("state", {}).get(_KEY, Standing())
    refusal = standing.refusal(needed(stages))
    if refusal is not None:
        raise refusal
    return gateway.admit(model, caller_of(scope), stages, named_by=named_by)


async def tell_limits(message: Message, scope: Scope) -> None:
    """Tell the client of its limits with every answer to a request that was counted; a ``before_send`` hook."""
    if message["type"] == "http.response.start" and (standing := scope.get("state", {}).get(_KEY)) is not None:
        told = [(name.encode(), value.encode()) for name, value in standing.headers().items()]
        message["headers"] = [*message["headers"], *told]

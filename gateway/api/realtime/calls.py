"""The Realtime API's routes for WebRTC: a call is begun by an offer, and ended."""

from contextlib import ExitStack
from typing import Any

import msgspec
from litestar import Request, Response, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.api.realtime.offer import read_offer
from gateway.api.realtime.openapi import CallOperation
from gateway.api.realtime.schema import FIELDS
from gateway.api.realtime.translate import asked_session, wanted_of
from gateway.engines.lifecycle import Gateway
from gateway.http.auth import caller_of, client_secret_of
from gateway.http.openapi import ApiOperation
from gateway.http.rate_limit import taken_place
from gateway.realtime.driver import SessionParts
from gateway.realtime.session.session_update import updated
from gateway.realtime.sessions import RealtimeSessions
from gateway.webrtc.calls import Calls

OPTIONS = {"fields": FIELDS, "client_secrets": True}
SDP = "application/sdp"


@post(
    "/v1/realtime/calls",
    opt={**OPTIONS, "limited": True, "opens_session": lambda _: True},
    operation_class=CallOperation,
    operation_id="createRealtimeCall",
    summary="A session over WebRTC",
    tags=["Realtime"],
)
async def create_call(
    request: Request[Any, Any, Any],
    gateway: NamedDependency[Gateway],
    realtime_sessions: NamedDependency[RealtimeSessions],
    calls: NamedDependency[Calls],
) -> Response[str]:
    """Begin a session whose audio goes over WebRTC and whose events go over the data channel oai-events."""
    calls.require()
    caller, secret = caller_of(request.scope), client_secret_of(request.scope)
    offer = await read_offer(request)
    query = {name: str(value) for name, value in request.query_params.items()}
    bound = offer.session if secret is None else {"model": offer.session.get("model"), **secret.session}
    with ExitStack() as held:
        held.enter_context(taken_place(request.scope))
        held.enter_context(realtime_sessions.place())
        asked = asked_session(wanted_of(query, bound), caller, gateway)
        held.enter_context(asked.served.used())
        parts = await realtime_sessions.parts(asked)
        if secret is not None:
            parts = _changed(parts, offer.session)
        answered = await calls.begin(caller.name, offer.sdp, parts, held)
    location = f"/v1/realtime/calls/{answered.call_id}"
    return Response(answered.sdp, media_type=SDP, headers={"location": location})


@delete(
    "/v1/realtime/calls/{call_id:str}",
    opt=OPTIONS,
    operation_class=ApiOperation,
    operation_id="deleteRealtimeCall",
    summary="End a call",
    tags=["Realtime"],
)
async def delete_call(request: Request[Any, Any, Any], call_id: FromPath[str], calls: NamedDependency[Calls]) -> None:
    """End a call of this key."""
    calls.hang_up(call_id, caller_of(request.scope).name)


@post(
    "/v1/realtime/calls/{call_id:str}/hangup",
    status_code=200,
    opt=OPTIONS,
    operation_class=ApiOperation,
    operation_id="hangupRealtimeCall",
    summary="End a call, as OpenAI's clients do",
    tags=["Realtime"],
)
async def hang_up_call(request: Request[Any, Any, Any], call_id: FromPath[str], calls: NamedDependency[Calls]) -> None:
    """End a call of this key."""
    calls.hang_up(call_id, caller_of(request.scope).name)


def _changed(parts: SessionParts, session: dict[str, Any]) -> SessionParts:
    """``parts`` with the configuration that came beside an offer, over that of its client secret."""
    opening = parts.opening
    config = updated(opening.config, session, opening.policy, has_spoken=False)
    return msgspec.structs.replace(parts, opening=msgspec.structs.replace(opening, config=config))

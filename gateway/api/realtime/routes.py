"""The Realtime API's routes: the WebSocket of a session, and client secrets."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

from litestar import Request, Response, WebSocket, get, post, websocket
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.types import Scope

from adapters.contract.errors import AdapterError
from gateway.api.realtime.beta import beta_frames, beta_session, current_session, is_beta, read_beta_event
from gateway.api.realtime.client_secrets import SecretMaker
from gateway.api.realtime.frames import FrameWriter, frames_of
from gateway.api.realtime.schema import (
    FIELDS,
    BetaSessionRequest,
    ClientSecretAnswer,
    ClientSecretRequest,
    ExpiresAfter,
)
from gateway.api.realtime.translate import SessionKind, asked_session, wanted_of
from gateway.engines.lifecycle import Gateway
from gateway.http.auth import caller_of, client_secret_of
from gateway.http.form import read_json
from gateway.http.handshake import refuse_handshake
from gateway.http.json_answer import json_answer
from gateway.http.openapi import body_operation
from gateway.http.rate_limit import taken_place
from gateway.http.request_id import request_id
from gateway.http.socket_messages import messages_of
from gateway.http.validation import fields_of
from gateway.realtime.driver import SessionParts, driving
from gateway.realtime.protocol.client_events import ClientEvent
from gateway.realtime.session.event_reader import read_event
from gateway.realtime.session.inputs import Refused
from gateway.realtime.sessions import RealtimeSessions
from gateway.tasks import race
from gateway.webrtc.calls import Calls

logger = logging.getLogger(__name__)

PROTOCOL = "realtime"
"""The sub-protocol that is selected where a client offers it, and no other: browsers fail without."""

OPTIONS = {"limited": True, "fields": FIELDS}

Receive = Callable[[ClientEvent | Refused], None]
"""Takes the client's next event."""

BINARY = Refused(message="Events are JSON in text frames; this frame is binary.", code="invalid_event")


def _is_beside_none(scope: Scope) -> bool:
    return b"call_id=" not in scope["query_string"]


@websocket("/v1/realtime", opt={**OPTIONS, "client_secrets": True, "opens_session": _is_beside_none})
async def realtime(
    socket: WebSocket[Any, Any, Any],
    gateway: NamedDependency[Gateway],
    realtime_sessions: NamedDependency[RealtimeSessions],
    calls: NamedDependency[Calls],
) -> None:
    """A session: the client's events in, the gateway's out; with `call_id` it is that of a call."""
    if (call_id := socket.query_params.get("call_id")) is not None:
        await _beside_call(socket, calls, call_id)
        return
    with ExitStack() as held:
        try:
            held.enter_context(realtime_sessions.place())
            secret = client_secret_of(socket.scope)
            query = {name: str(value) for name, value in socket.query_params.items()}
            wanted = wanted_of(query, None if secret is None else secret.session)
            asked = asked_session(wanted, caller_of(socket.scope), gateway)
            held.enter_context(asked.served.used())
            parts = await realtime_sessions.parts(asked)
        except AdapterError as error:
            await refuse_handshake(error, socket.scope, socket.send)
            return
        await _accept(socket)
        await _serve(socket, realtime_sessions, parts)


async def _accept(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept(
        subprotocols=PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None,
        headers={"x-request-id": request_id(socket.scope)},
    )


async def _serve(socket: WebSocket[Any, Any, Any], sessions: RealtimeSessions, parts: SessionParts) -> None:
    """Move frames until the session or the connection is over."""
    writer = _writer(socket)
    name = parts.opening.config.id
    logger.info("%s is the session %s of %s", request_id(socket.scope), name, parts.answers.caller.name)
    async with driving(parts, writer) as driver:
        with sessions.watched(driver):
            how = await _move(socket, writer, driver.receive)
    logger.info("the session %s is over: %s", name, how)


async def _beside_call(socket: WebSocket[Any, Any, Any], calls: Calls, call_id: str) -> None:
    """Share the session of a call, which goes on without this socket; it is no session of its own."""
    taken_place(socket.scope).close()
    try:
        call = calls.find(call_id, caller_of(socket.scope).name)
    except AdapterError as error:
        await refuse_handshake(error, socket.scope, socket.send)
        return
    await _accept(socket)
    writer = _writer(socket)
    with call.beside(writer):
        how = await _move(socket, writer, call.receive)
    logger.info("%s was beside the call %s: %s", request_id(socket.scope), call.call_id, how)


def _writer(socket: WebSocket[Any, Any, Any]) -> FrameWriter:
    return FrameWriter(messages_of(socket.scope), socket.send, beta_frames if is_beta(socket.scope) else frames_of)


async def _move(socket: WebSocket[Any, Any, Any], writer: FrameWriter, receive: Receive) -> str:
    """Move frames until either side closes; how it ended."""
    return await race(_read(socket, receive), _write(writer), _fall_behind(writer))


async def _read(socket: WebSocket[Any, Any, Any], receive: Receive) -> str:
    read = read_beta_event if is_beta(socket.scope) else read_event
    messages_of(socket.scope).deliver(lambda message: receive(read(message) if isinstance(message, str) else BINARY))
    left: Any = await socket.receive()
    return f"closed by the client with {left.get('code')}"


async def _write(writer: FrameWriter) -> str:
    await writer.run()
    return "closed"


async def _fall_behind(writer: FrameWriter) -> str:
    await writer.backlogged()
    return "cut, because the client does not read what it is sent"


@get("/v1/realtime", opt={"fields": FIELDS, "client_secrets": True}, include_in_schema=False)
async def realtime_without_upgrade() -> None:
    """Say to who asks for a session as for a page what it is. Raises ``HTTPException``."""
    raise HTTPException(
        status_code=HTTPStatus.UPGRADE_REQUIRED,
        detail="/v1/realtime is a WebSocket: connect to it with ws:// or wss://, not http.",
        headers={"upgrade": "websocket"},
    )


@post(
    "/v1/realtime/client_secrets",
    status_code=200,
    opt=OPTIONS,
    operation_class=body_operation(ClientSecretRequest),
    operation_id="createRealtimeClientSecret",
    summary="A short-lived key for a browser",
    tags=["Realtime"],
)
async def create_client_secret(
    request: Request[Any, Any, Any], secret_maker: NamedDependency[SecretMaker]
) -> Response[ClientSecretAnswer]:
    """Make a key that opens sessions of one configuration, for those who must not see the key that made it."""
    wire, unknown = fields_of(await read_json(request), ClientSecretRequest, ())
    made = secret_maker.make(caller_of(request.scope), wire.session or {}, wire.expires_after.seconds)
    return json_answer(made, unknown)


@post(
    "/v1/realtime/sessions",
    status_code=200,
    opt=OPTIONS,
    operation_class=body_operation(BetaSessionRequest),
    operation_id="createRealtimeSession",
    summary="A short-lived key, as the Beta asks for it",
    tags=["Realtime"],
)
async def create_session(
    request: Request[Any, Any, Any], secret_maker: NamedDependency[SecretMaker]
) -> Response[dict[str, Any]]:
    """Make a key that opens sessions; the configuration is in the words of the Beta."""
    return await _beta_secret(request, secret_maker, "realtime")


@post(
    "/v1/realtime/transcription_sessions",
    status_code=200,
    opt=OPTIONS,
    operation_class=body_operation(BetaSessionRequest),
    operation_id="createRealtimeTranscriptionSession",
    summary="A short-lived key for transcription, as the Beta asks for it",
    tags=["Realtime"],
)
async def create_transcription_session(
    request: Request[Any, Any, Any], secret_maker: NamedDependency[SecretMaker]
) -> Response[dict[str, Any]]:
    """Make a key that opens sessions which transcribe; the configuration is in the words of the Beta."""
    return await _beta_secret(request, secret_maker, "transcription")


async def _beta_secret(
    request: Request[Any, Any, Any], maker: SecretMaker, kind: SessionKind
) -> Response[dict[str, Any]]:
    fields = (await read_json(request)).values
    session = {"type": kind, **current_session(fields)}
    made = maker.make(caller_of(request.scope), session, ExpiresAfter().seconds)
    secret = {"value": made.value, "expires_at": made.expires_at}
    return json_answer({**beta_session(made.session), "client_secret": secret})

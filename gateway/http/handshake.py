"""Answers the handshake of a WebSocket that is refused, before it is one: with an HTTP error."""

from typing import Any

import msgspec
from litestar.types import Send

from gateway.http.errors import answer_of
from gateway.http.request_id import request_id

POLICY_VIOLATION = 1008


async def refuse_handshake(error: Exception, scope: Any, send: Send) -> None:
    """Answer with ``error`` where the server can, else with the status 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})
        return
    answer = answer_of(error, {**scope, "method": "GET"})  # type: ignore[typeddict-item]
    headers = {"content-type": "application/json", "x-request-id": request_id(scope), **answer.headers}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    start: Any = {"type": "websocket.http.response.start", "status": answer.status, "headers": encoded}
    body: Any = {"type": "websocket.http.response.body", "body": msgspec.json.encode(answer.body), "more_body": False}
    await send(start)
    await send(body)

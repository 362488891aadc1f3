"""A handshake that is refused, as a server without the extension for HTTP answers sees it."""

from typing import Any

from adapters.contract.errors import Unavailable
from gateway.http.handshake import refuse_handshake

SCOPE = {"type": "websocket", "headers": [], "path": "/v1/realtime", "state": {}}


async def sent(scope: dict[str, Any]) -> list[Any]:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    await refuse_handshake(Unavailable("Busy.", retry_after=1.0), scope, send)
    return messages


async def test_the_error_has_a_status_headers_and_a_body() -> None:
    start, body = await sent({**SCOPE, "extensions": {"websocket.http.response": {}}})
    headers = dict(start["headers"])
    assert start["status"] == 503
    assert headers[b"retry-after"] == b"1"
    assert headers[b"x-request-id"].startswith(b"req_")
    assert b"Busy." in body["body"]


async def test_a_server_that_cannot_say_more_closes() -> None:
    assert [message["type"] for message in await sent(SCOPE)] == ["websocket.close"]

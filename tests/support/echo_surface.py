"""A surface with a WebSocket that sends back what it gets."""

from typing import Any

from litestar import WebSocket, websocket

from gateway.http.surface import Surface


@websocket("/v1/echo")
async def echo(socket: WebSocket[Any, Any, Any]) -> None:
    """Send back three messages, and close."""
    await socket.accept()
    for _ in range(3):
        await socket.send_text(await socket.receive_text())
    await socket.close()


surface = Surface(name="echo", handlers=(echo,), wire_types=())

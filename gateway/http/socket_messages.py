"""Messages of a WebSocket as they arrive, without a task that wakes up for each of them."""

from collections.abc import Callable
from typing import Any, Protocol, cast

from litestar.types import Scope

MESSAGES = "speech_gateway.messages"

TakeMessage = Callable[[str | bytes], None]

TakeMemory = Callable[[int], None]
"""Takes so many bytes of a budget, or gives them back when negative. Raises ``Unavailable`` when they are not left."""


class MessageSource(Protocol):
    """The client's side of a WebSocket: what ASGI does not offer."""

    def deliver(self, take: TakeMessage) -> None:
        """Give messages to ``take`` as they arrive; the ASGI ``receive`` tells of the end of the connection only."""

    def draw_on(self, take: TakeMemory) -> None:
        """Let ``take`` count the bytes of a message of which the rest has not arrived."""


def messages_of(scope: Scope) -> MessageSource:
    """The messages of a WebSocket that was accepted; the gateway's own server gives them."""
    source: MessageSource = cast(Any, scope)["extensions"][MESSAGES]
    return source

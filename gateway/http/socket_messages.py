"""Messages of a WebSocket as they come and go, without a task that wakes up for each of them."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from litestar.types import Scope

MESSAGES = "speech_gateway.messages"

TakeMessage = Callable[[str | bytes], None]

TakeMemory = Callable[[int], None]
"""Takes so many bytes of a budget, or gives them back when negative. Raises ``Unavailable`` when they are not left."""


class SocketMessages(Protocol):
    """The client's side of a WebSocket: what ASGI does not offer."""

    def deliver(self, take: TakeMessage) -> None:
        """Give messages to ``take`` as they arrive; the ASGI ``receive`` tells of the end of the connection only."""

    def hold(self, *, held: bool) -> None:
        """Leave the messages that come next where they are, or give them again."""

    def takes_more(self, again: Callable[[], None]) -> bool:
        """Whether the client can take messages now; else ``again`` is called when it can."""

    def send_texts(self, texts: Sequence[bytes]) -> None:
        """Send messages of text (UTF-8) together. Raises ``OSError`` when the client is gone."""

    def draw_on(self, take: TakeMemory) -> None:
        """Let ``take`` count the bytes of a message of which the rest has not arrived."""


def messages_of(scope: Scope) -> SocketMessages:
    """The messages of a WebSocket that was accepted; the gateway's own server gives them."""
    messages: SocketMessages = cast(Any, scope)["extensions"][MESSAGES]
    return messages

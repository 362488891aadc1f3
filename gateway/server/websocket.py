"""The server's side of one WebSocket: uvicorn's protocol, with limits on what clients send and on how they read."""

import asyncio
import logging
import math
import re
from collections import deque
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from litestar.exceptions import HTTPException
from uvicorn import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode, Frame, apply_mask  # type: ignore[attr-defined]
from websockets.protocol import State

from adapters.contract.errors import Unavailable
from gateway.http.request_id import request_id
from gateway.http.socket_messages import MESSAGES, TakeMemory, TakeMessage
from gateway.server import limits
from gateway.server.forwarded import Client
from gateway.server.reading_pace import ReadingPace
from gateway.server.request_parser import RequestHead
from gateway.server.unfinished_message import UnfinishedMessage
from gateway.telemetry.log_format import where

_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")  # 16 bytes (RFC 6455 4.1)

logger = logging.getLogger(__name__)

WHOLE_TEXT = 0x81
"""The first byte of a frame that is a whole message of text, without extensions."""

AT_ONCE = 64
"""Messages of one client that are handed over before the other connections have their turn."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket, from its handshake on. The server calls ``sweep`` once a second.

    Without it a client that reads nothing keeps its connection for ever, one that sends empty fragments takes memory
    without end, and what an application fails with is logged with the words of its user.
    """

    is_websocket = True

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self.counts_as: Client | None = None
        self._pace, self._unfinished = ReadingPace(), UnfinishedMessage()
        self._gone_at, self._is_held = math.inf, False
        self._early: bytes | None = None  # before the application has accepted
        self._take: TakeMessage | None = None
        self._arrived: deque[str | bytes] = deque()
        self._again: Callable[[], None] = lambda: None

    def take_over(self, transport: asyncio.Transport, client: Client | None, head: RequestHead, early: bytes) -> None:
        """Serve the connection of ``client``, whose handshake is ``head``, from now on. Raises ``HTTPException``.

        ``early`` is what came with it. No client may send before it has the answer; what is sent all the same waits.
        """
        key = head.header(b"sec-websocket-key")
        if head.http_version != "1.1" or not head.target.isascii() or not _KEY.fullmatch(key):
            raise HTTPException(status_code=HTTPStatus.BAD_REQUEST, detail="Invalid handshake of a WebSocket.")
        self.counts_as, self._early = client, early
        self.connection_made(transport)
        transport.set_protocol(self)
        transport.pause_reading()
        self.data_received(head.encoded())
        if not self.handshake_initiated:  # the library finds no request in it, and would wait for one for ever
            transport.close()

    async def send(self, message: Any) -> None:
        """Send what the application says; once it has accepted, what the client sends is read."""
        await super().send(message)
        if self._early is not None and self.handshake_complete:
            early, self._early = self._early, None
            self.transport.resume_reading()
            if early:
                self.data_received(early)

    def takes_more(self, again: Callable[[], None]) -> bool:
        """Whether the client reads what it is sent; else ``again`` is called when it has caught up."""
        self._again = again
        return self.writable.is_set()

    def send_texts(self, texts: Sequence[bytes]) -> None:
        """Send messages in one write: the library makes one of each, and wakes the client as often."""
        if self.disconnected or self.close_sent or self.conn.state is not State.OPEN:
            raise ClientDisconnected
        self.transport.write(b"".join(part for text in texts for part in (_frame_head(len(text)), text)))

    def data_received(self, data: bytes) -> None:
        """Take what the client sends: short messages here, which are nearly all, and the rest in the library's way."""
        conn, is_open = self.conn, self.conn.state is State.OPEN and not self.close_sent
        if self._take is not None and is_open and conn.cur_size is None and not conn.reader.buffer:
            data = self._read_messages(data)
        if data:
            super().data_received(data)
            self._count_unfinished()
        else:
            self._hand_over()

    def _count_unfinished(self) -> None:
        """Hold a place in memory for what has come of a message, or end the connection when there is none."""
        conn = self.conn
        try:
            self._unfinished.has(0 if conn.eof_sent else len(conn.reader.buffer) + (conn.cur_size or 0))
        except Unavailable as error:
            if self.close_sent:
                self.abort()
            else:
                self._fail(CloseCode.TRY_AGAIN_LATER, error.message)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        super().connection_lost(exc)
        self._unfinished.has(0)

    def _read_messages(self, data: bytes) -> bytes:
        """Take messages of one frame below 64 KiB, which cost the library five times as much; the rest is left."""
        start = 0
        while len(data) - start >= 8 and data[start] == WHOLE_TEXT and 0x80 <= data[start + 1] <= 0xFE:
            size, mask_at = data[start + 1] & 0x7F, start + 2
            if size == 126:
                size, mask_at = int.from_bytes(data[start + 2 : start + 4]), start + 4
            payload_at = mask_at + 4
            if payload_at + size > len(data):
                break
            try:
                text = apply_mask(data[payload_at : payload_at + size], data[mask_at:payload_at]).decode()
            except UnicodeDecodeError:
                break
            self._arrived.append(text)
            start = payload_at + size
        return data[start:]

    def pause_writing(self) -> None:
        """The client reads more slowly than it is sent to."""
        super().pause_writing()
        self._pace.full(self.transport)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._pace.drained()
        self._again()

    def handle_cont(self, event: Frame) -> None:
        """Take the next fragment of a message, which may be empty and counts all the same."""
        if len(self.frames) < limits.MAX_FRAGMENTS:
            super().handle_cont(event)
        else:
            self._fail(CloseCode.POLICY_VIOLATION, f"A message may have {limits.MAX_FRAGMENTS} fragments.")

    def send_receive_event_to_app(self) -> None:
        """Give a whole message to the application."""
        data = b"".join(self.frames)
        try:
            message = data.decode() if self.curr_msg_data_type == "text" else data
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA, "A text message must be UTF-8.")
            return
        if self._take is None:
            super().send_receive_event_to_app()
            return
        self.frames = []
        if not self.close_sent:
            self._arrived.append(message)

    def deliver(self, take: TakeMessage) -> None:
        """Give messages to ``take`` as they arrive; ``receive`` tells of the end of the connection only."""
        self._take = take
        while not self.queue.empty():
            message: Any = self.queue.get_nowait()
            if message["type"] == "websocket.disconnect":
                self.queue.put_nowait(message)
                break
            self._arrived.append(message["text"] if "text" in message else message["bytes"])
        self._hand_over()

    def hold(self, *, held: bool) -> None:
        """Leave the messages that come next where they are, or give them again."""
        self._is_held = held
        if not held:
            self.loop.call_soon(self._hand_over)

    def draw_on(self, take: TakeMemory) -> None:
        """Let ``take`` count the bytes of a message of which the rest has not arrived."""
        self._unfinished.take_memory = take

    def handle_events(self) -> None:
        """Take what a piece of data completes."""
        super().handle_events()
        self._hand_over()

    def handle_close(self, event: Frame) -> None:
        """Hand over what came before the end, also to an application that wants no more for now."""
        while self._arrived:
            self._is_held = False
            self._hand_over()
        super().handle_close(event)

    def _hand_over(self) -> None:
        """Give the application what has arrived: some of it, and the rest when the others had their turn."""
        if self._take is None:
            return
        try:
            for _ in range(min(AT_ONCE, len(self._arrived))):
                if self._is_held:
                    break
                self._take(self._arrived.popleft())
        except Exception as error:  # noqa: BLE001  whatever it is, its text may be the user's
            self._arrived.clear()
            scope: Any = self.scope
            logger.error("%s failed unexpectedly: %s", request_id(scope), where(error))
            self._fail(CloseCode.INTERNAL_ERROR, "")
        if self._arrived or self._is_held:
            self.read_paused = True
            self.transport.pause_reading()
            if not self._is_held:
                self.loop.call_soon(self._hand_over)
        elif self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    async def run_asgi(self) -> None:
        """Let the application serve the WebSocket."""
        app = self.app

        async def answered(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            except ClientDisconnected:
                raise
            except Exception as error:  # noqa: BLE001  whatever it is, its text may be the user's
                logger.error("%s failed unexpectedly: %s", request_id(scope), where(error))
                if self.handshake_complete:
                    await send({"type": "websocket.close", "code": CloseCode.INTERNAL_ERROR})
            if self.initial_response is not None or self.transport.is_closing():
                raise ClientDisconnected  # refused, or gone: no error of the application, as uvicorn would log it

        self.app = answered
        extensions: Any = self.scope["extensions"]
        extensions[MESSAGES] = self
        await super().run_asgi()
        self._arrived.clear()
        self._is_held = False
        self._hand_over()  # nobody takes messages any more: what is read is the client's end of the connection
        self._take, self._again = None, lambda: None
        extensions.clear()  # else both would keep each other in memory

    def keepalive_timeout(self) -> None:
        """No pong came. While nothing is read here, that says nothing: the client's reading shows that it is there."""
        if self.read_paused:
            self.pong_timer = self.pending_ping_payload = None  # the pong that is read later answers no ping any more
            self.schedule_ping()
        else:
            super().keepalive_timeout()

    def shutdown(self) -> None:
        """The server ends: the application was told, and what it does not close soon is closed here."""
        self.loop.call_later(limits.GOODBYE_SECONDS, self._leave)

    def _leave(self) -> None:
        if not self.disconnected:
            super().shutdown()

    def sweep(self) -> None:
        """Leave a client that reads too slowly, or does not let the connection be closed."""
        now = asyncio.get_running_loop().time()
        if self.transport.is_closing():
            self._gone_at = min(self._gone_at, now + limits.FLUSH_SECONDS)
        if self._pace.too_slow(self.transport) or now >= self._gone_at:
            self.abort()
        elif self._unfinished.too_slow() and not self.read_paused:
            self._fail(CloseCode.POLICY_VIOLATION, "The message came too slowly.")

    def abort(self) -> None:
        """Close at once, whatever has not been sent."""
        self.transport.abort()

    def _fail(self, code: CloseCode, reason: str) -> None:
        if not self.close_sent:
            self.frames = []
            self._unfinished.has(0)
            self.conn.fail(code, reason)
            self.handle_parser_exception()


def _frame_head(size: int) -> bytes:
    """What comes before a whole message of text of ``size`` bytes from a server (RFC 6455 5.2)."""
    if size < 126:
        return bytes((WHOLE_TEXT, size))
    if size < 1 << 16:
        return bytes((WHOLE_TEXT, 126)) + size.to_bytes(2)
    return bytes((WHOLE_TEXT, 127)) + size.to_bytes(8)

"""The server's side of one connection: its requests one after another, and limits on time and number.

uvicorn's own protocols have no bound on the head of a request, on silence or on the number of connections, lose the
body beside an ``Upgrade`` or hold up the event loop, and report errors as plain text.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

import uvicorn
from litestar.exceptions import HTTPException
from uvicorn.server import ServerState

from adapters.contract.errors import Unavailable
from gateway.engines.queue import RETRY_SECONDS
from gateway.server import limits
from gateway.server.connection_limits import ConnectionLimits
from gateway.server.exchange import Exchange, reset_when_closed, scope_of
from gateway.server.forwarded import Client
from gateway.server.reading_pace import ReadingPace
from gateway.server.request_parser import NO_HEAD, RequestHead, RequestParser
from gateway.tasks import run_among


class HTTPProtocol(asyncio.Protocol):
    """One connection. The server calls ``sweep`` once a second: connections have no timers of their own."""

    is_websocket = False

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        places: ConnectionLimits,
        ending: Callable[[], bool] = lambda: False,
    ) -> None:
        self._config, self._state, self._app_state = config, server_state, app_state
        self._places, self._ending = places, ending
        self._now = asyncio.get_running_loop().time
        self._parser, self._pace = RequestParser(self), ReadingPace()
        self._transport: asyncio.Transport
        self._peer: Client | None = None
        self.counts_as: Client | None = None
        self._writable, self._takes_more = asyncio.Event(), True  # the same, to be waited for and to be asked
        self._writable.set()
        self._closing, self._discarded = False, 0
        self._deadline = math.inf
        self._on_deadline: Callable[[], None] = self.abort
        # The first of these is being answered, the others wait; after them the refusal is sent, and nothing more.
        self._exchanges: deque[Exchange] = deque()
        self._refusal: Exception | None = None
        self._in_head = False
        self._reading: Exchange | None = None  # whose body is read

    # The transport calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection, or refuse it when there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        self._peer = transport.get_extra_info("peername")
        self.counts_as = self._places.client(self._peer)
        if reason := self._places.refusal(self.counts_as, self._state.connections):
            self._answer(Unavailable(reason, retry_after=RETRY_SECONDS), lingering=False)
            return
        self._state.connections.add(cast(Any, self))
        self._within(limits.IDLE_SECONDS, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._state.connections.discard(cast(Any, self))
        self._closing = True
        self._deadline = math.inf
        self.resume_writing()
        for exchange in self._exchanges:
            exchange.disconnect()

    def pause_writing(self) -> None:
        """The client reads more slowly than it is sent to."""
        self._writable.clear()
        self._takes_more = False
        self._pace.full(self._transport)

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._takes_more = True
        self._writable.set()
        self._pace.drained()

    def data_received(self, data: bytes) -> None:
        """Parse what has come, or discard it when nothing more is answered."""
        if self._closing or self._refusal is not None:
            self._discarded += len(data)
            if self._discarded > limits.LINGER_BYTES:
                self.abort()
            return
        try:
            self._parser.feed(data)
        except (HTTPException, Unavailable) as error:
            self._refuse(error)

    # The parser calls these.

    def request_begins(self) -> None:
        """The first byte of a request has come."""
        self._in_head, self._reading = True, None
        if not self._exchanges:
            self._within(limits.HEAD_SECONDS, self._late)

    def head_received(self, head: RequestHead) -> None:
        """Let the application begin, unless other requests come first."""
        self._in_head = False
        if len(self._exchanges) > limits.MAX_PIPELINED:
            detail = "Too many requests at once on one connection."
            raise HTTPException(status_code=HTTPStatus.TOO_MANY_REQUESTS, detail=detail)
        self.counts_as = self._places.client_of_request(self._peer, head.headers, self._state.connections - {self})
        self._reading = self._exchange(head)
        self._exchanges.append(self._reading)
        self._deadline = math.inf
        if len(self._exchanges) == 1:
            self._run(self._reading)
        else:
            self._transport.pause_reading()

    def body_received(self, data: bytes) -> None:
        """Give the body to the application; each piece extends the deadline."""
        if self._reading is None:
            return
        if self._deadline < math.inf:
            self._deadline = min(
                self._deadline + len(data) / limits.BODY_BYTES_PER_SECOND, self._now() + limits.BODY_SECONDS
            )
        if self._reading.feed(data):
            self._deadline = math.inf  # now it is the application that is waited for
            self._transport.pause_reading()

    def request_received(self) -> None:
        """The last byte of a request has come."""
        if self._reading is not None:
            self._deadline = math.inf
            self._reading.end_request()
            self._reading = None

    def upgraded(self, head: RequestHead, rest: bytes) -> bool:
        """Whether it is a WebSocket from now on, with its own protocol. Raises ``Unavailable``, ``HTTPException``."""
        websocket = head.method == "GET" and head.header(b"upgrade").lower() == b"websocket"
        if not websocket or self._exchanges:
            return False
        client = self._places.client_of_websocket(self._peer, head.headers, self._state.connections - {self})
        protocol = cast(Any, self._config.ws_protocol_class)(self._config, self._state, self._app_state)
        protocol.take_over(self._transport, client, head, rest)
        self._state.connections.discard(cast(Any, self))
        self._deadline = math.inf
        return True

    # The exchanges call these.

    def write(self, data: bytes) -> bool:
        """Send ``data``; whether the client has read enough to be sent more."""
        if not self._transport.is_closing():
            self._transport.write(data)
        return self._takes_more

    async def drain(self) -> None:
        """Wait until it has read enough."""
        if not self._takes_more:  # a coroutine less for every chunk
            await self._writable.wait()

    def read_on(self, exchange: Exchange) -> None:
        """The application waits for the body, or for the client to leave."""
        if self._transport.is_closing() or self._refusal is not None or len(self._exchanges) > 1:
            return
        self._transport.resume_reading()
        if not exchange.request_complete and self._deadline == math.inf:
            self._within(limits.BODY_SECONDS, self._late)

    def answered(self, exchange: Exchange) -> None:
        """The last byte of an answer has been written: the next request has its turn."""
        self._state.total_requests += 1
        self._exchanges.popleft()
        self.counts_as = self._places.client(self._peer)
        if self._transport.is_closing():
            return
        if not exchange.keep_alive:
            self._finish(exchange)
        elif self._exchanges:
            self._run(self._exchanges[0])
        elif self._refusal is not None:
            self._answer(self._refusal)
        else:
            self._transport.resume_reading()
            self._within(*((limits.HEAD_SECONDS, self._late) if self._in_head else (limits.IDLE_SECONDS, self._close)))

    def cut(self, exchange: Exchange) -> None:
        """Half an answer has been written and no more will come: it must not look like a whole one."""
        if exchange.delimited_by_close:  # only a reset tells the client
            reset_when_closed(self._transport)
            self.abort()
        else:
            self._close()

    # The server calls these.

    @property
    def idle_rank(self) -> tuple[bool, float] | None:
        """Orders connections that serve no request: silent ones before half-read requests, then the oldest first."""
        return None if self._exchanges else (self._in_head, self._deadline)

    def sweep(self) -> None:
        """Act if the deadline has passed, or the client reads too slowly."""
        if self._pace.too_slow(self._transport):
            self.abort()
        elif self._now() >= self._deadline:
            self._deadline = math.inf
            self._on_deadline()

    def shutdown(self) -> None:
        """Close as soon as nothing is being answered."""
        for exchange in self._exchanges:
            exchange.keep_alive = False
        if not self._exchanges:
            self._close()

    def abort(self) -> None:
        """Close at once, whatever has not been sent."""
        self._state.connections.discard(cast(Any, self))
        self._closing = True
        self._transport.abort()

    def _exchange(self, head: RequestHead) -> Exchange:
        scheme = "http" if self._transport.get_extra_info("sslcontext") is None else "https"
        server = self._transport.get_extra_info("sockname")
        scope = scope_of(head, self._peer, server, self._app_state.copy(), scheme)
        exchange = Exchange(self, head, scope, self._state.default_headers)
        exchange.keep_alive = exchange.keep_alive and not self._ending()
        return exchange

    def _within(self, seconds: float, act: Callable[[], None]) -> None:
        self._deadline, self._on_deadline = self._now() + seconds, act

    def _run(self, exchange: Exchange) -> None:
        run_among(self._state.tasks, exchange.run(cast(Any, self._config.loaded_app)))

    def _late(self) -> None:
        """The head, or the body that the application waits for, takes too long."""
        what = "head" if self._reading is None else "body"
        detail = f"The {what} of the request came too slowly; the connection is closed."
        self._refuse(HTTPException(status_code=HTTPStatus.REQUEST_TIMEOUT, detail=detail))

    def _refuse(self, error: Exception) -> None:
        """Say what is wrong with the request that is being read, once the answers to earlier ones are complete."""
        self._deadline = math.inf
        broken = self._reading
        if broken is not None and broken is not self._exchanges[0]:
            self._exchanges.pop()
        if broken is not None and broken is self._exchanges[0]:
            if broken.started:
                broken.cut()
            else:
                broken.refuse(error)
            broken.disconnect()
        elif self._exchanges:
            self._refusal = error
            self._transport.pause_reading()
        else:
            self._answer(error)

    def _answer(self, error: Exception, *, lingering: bool = True) -> None:
        """Answer a request of which there is no head, and close."""
        exchange = self._exchange(NO_HEAD)
        exchange.request_complete = not lingering
        self._exchanges.append(exchange)
        exchange.refuse(error)

    def _finish(self, last: Exchange) -> None:
        """Close. A client that is still sending would lose the answer, so it gets a moment to read it."""
        for exchange in self._exchanges:
            exchange.disconnect()
        self._exchanges.clear()
        if last.request_complete:
            self._close()
            return
        self._closing = True
        if self._transport.can_write_eof():  # not with TLS, where the close below says it
            self._transport.write_eof()
        read_on = last.body_bytes <= limits.LINGER_BYTES
        (self._transport.resume_reading if read_on else self._transport.pause_reading)()
        self._within(limits.LINGER_SECONDS, self.abort)

    def _close(self) -> None:
        self._closing = True
        self._transport.close()
        self._within(limits.FLUSH_SECONDS, self.abort)

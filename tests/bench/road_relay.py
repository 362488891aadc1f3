"""The least that Python can do for the straight road: bytes go from connection to connection, and nobody looks at them.

Run as ``python -m tests.bench.road_relay PORT``, the upstream's; prints the port it listens on.
"""

import asyncio
import sys
from typing import cast

import uvloop


class Side(asyncio.Protocol):
    """One of two connections; what it receives is sent on the ``other``, once that is there."""

    def __init__(self, other: asyncio.Transport | None = None) -> None:
        self.transport: asyncio.Transport
        self.other = other
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Send it on."""
        if self.other is None:
            self._early.append(data)
        else:
            self.other.write(data)

    def join(self, other: asyncio.Transport) -> None:
        """The other connection is there."""
        self.other = other
        other.write(b"".join(self._early))

    def connection_lost(self, exc: Exception | None) -> None:
        """Neither lasts longer than the other."""
        if self.other is not None:
            self.other.close()


async def relay(upstream: int) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    joining = set()

    class Front(Side):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            task = loop.create_task(self._join())
            joining.add(task)
            task.add_done_callback(joining.discard)

        async def _join(self) -> None:
            back, _ = await loop.create_connection(lambda: Side(self.transport), "127.0.0.1", upstream)
            self.join(back)

    server = await loop.create_server(Front, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(relay(int(sys.argv[1])))

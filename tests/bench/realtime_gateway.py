"""The gateway of the realtime benchmark: the process that ``speech-to-speech`` serves with, on a free port.

Run as ``python -m tests.bench.realtime_gateway FLAG...``; prints the port it listens on. With ``bare`` before the flags
it is the same server with an application that drops what it is sent: the least that the frames cost.
"""

import socket
import sys
from typing import Any

from gateway.cli.serve import Serving
from gateway.server.server import GatewayServer
from gateway.settings.load import load


async def _drop(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":  # whether it is ready
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    elif scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass


def main(flags: list[str]) -> None:
    """Serve until the process is ended."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        if flags[0] == "bare":
            settings = load(flags[1:], {}).settings
            GatewayServer(_drop, settings).run(sockets=[listener])
        else:
            loaded = load(flags, {})
            Serving(loaded, lambda: loaded).run(listener)


if __name__ == "__main__":
    main(sys.argv[1:])

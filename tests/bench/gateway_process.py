"""The gateway of the benchmark: the real application on a socket, around engines of fixed delays.

Run as ``python -m tests.bench.gateway_process DELAYS UPSTREAM``; prints the port it listens on.
"""

import socket
import sys
import time

import msgspec
from litestar import get

from gateway.app import create_app
from gateway.cli import garbage
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import ServedRoute
from gateway.server import limits
from gateway.server.server import GatewayServer
from gateway.settings.load import load
from tests.bench.delays import Delays
from tests.bench.stages import engines, flags


@get("/cpu", include_in_schema=False)
async def cpu() -> float:
    """Seconds of processor time that this process has used, all threads together."""
    return time.process_time()


def main(delays: Delays, upstream: str) -> None:
    """Serve until the process is ended."""
    loaded = load(flags(upstream), {})
    route = loaded.routes[0]
    app = create_app(Gateway(loaded.settings, [ServedRoute(route=route, engines=engines(route, delays))]))
    app.register(cpu)
    garbage.set_aside()  # as ``serve`` does once engines have loaded
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        limits.IDLE_SECONDS = 600  # the client's connections stay open while the loop by hand has its round
        GatewayServer(app, loaded.settings).run(sockets=[listener])


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Delays), sys.argv[2])

"""The gateway of the straight road's benchmark: the real application in front of one chat completions server.

Run as ``python -m tests.bench.road_gateway UPSTREAM``; prints the port it listens on.
"""

import socket
import sys

from adapters.llm.chat_completions.adapter import ChatCompletions
from adapters.upstream import UpstreamOptions
from gateway.app import create_app
from gateway.cli import garbage
from gateway.server import limits
from gateway.server.server import GatewayServer
from tests.support.server import gateway_of, scripted_engines


def main(upstream: str) -> None:
    """Serve until the process is ended."""
    model = ChatCompletions(UpstreamOptions(responses_api_base_url=upstream))
    limit = "10000"
    flags = ("--max_requests", limit, "--max_connections", limit, "--max_connections_per_client", limit)
    gateway = gateway_of(scripted_engines(llm=model), *flags)
    app = create_app(gateway)
    garbage.set_aside()  # as ``serve`` does once engines have loaded
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        limits.IDLE_SECONDS = 600  # the client's connections stay open while the other ways have their rounds
        GatewayServer(app, gateway.settings).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])

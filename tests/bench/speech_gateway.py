"""The gateway of the speech route's benchmark: the real application with the synthesiser ``openai`` on one server.

Run as ``python -m tests.bench.speech_gateway UPSTREAM``; prints the port it listens on.
"""

import socket
import sys

from adapters.options import Secret
from adapters.tts.openai.adapter import OpenAISynthesiser
from gateway.app import create_app
from gateway.cli import garbage
from gateway.server.server import GatewayServer
from tests.support.server import gateway_of, scripted_engines


def main(upstream: str) -> None:
    """Serve until the process is ended."""
    voice = OpenAISynthesiser(OpenAISynthesiser.Options(tts_base_url=upstream, tts_api_key=Secret("")))
    gateway = gateway_of(scripted_engines(tts=voice))
    garbage.set_aside()  # as ``serve`` does once engines have loaded
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        GatewayServer(create_app(gateway), gateway.settings).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])

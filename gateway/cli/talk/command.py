"""The commands ``talk``, to a gateway that runs, and ``local``, to one that runs in this process."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

from gateway.access.keys import Keyring
from gateway.app import create_app
from gateway.cli.access_check import check_access
from gateway.cli.answer_file import NoAnswer
from gateway.cli.ask import failed
from gateway.cli.serve import announcement, listen
from gateway.cli.talk.connection import realtime_address
from gateway.cli.talk.conversation import Talk, converse
from gateway.cli.talk.sound_device import load_library
from gateway.engines.build import build
from gateway.engines.lifecycle import Gateway
from gateway.server.server import GatewayServer
from gateway.settings.model import Loaded, SettingsError
from gateway.tasks import race, run_among
from gateway.telemetry.log_format import configure_logging

POLL_SECONDS = 0.05


def talk(address: str, key: str | None, own: Mapping[str, str], request: Mapping[str, str]) -> int:
    """Talk to the gateway at ``address`` until interrupted; 1 on failure.

    ``own`` are the options of the command, ``request`` what its session asks for, by name of a form field.
    """
    fields = dict(request)
    model = fields.pop("model", None)
    talking = Talk(
        address=realtime_address(address, model),
        key=key,
        device=own.get("device"),
        half_duplex="half_duplex" in own,
        fields=session_fields(fields),
    )
    try:
        asyncio.run(converse(talking))
    except NoAnswer as error:
        return failed(str(error))
    except KeyboardInterrupt:
        pass  # that is how one stops talking
    return 0


def session_fields(request: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a realtime session for what was asked: ``voice``, ``speed``, ``language``."""
    output: dict[str, Any] = {key: request[key] for key in ("voice",) if key in request}
    if "speed" in request:
        output["speed"] = float(request["speed"])
    transcription = {"model": "whisper-1"}
    if "language" in request:
        transcription["language"] = request["language"]
    audio: dict[str, Any] = {"input": {"transcription": transcription}}
    if output:
        audio["output"] = output
    return {"audio": audio}


def local(loaded: Loaded, key: str | None, own: Mapping[str, str]) -> int:
    """Serve as always, and talk to this gateway; 1 on failure. Raises ``SettingsError`` and ``BadOption``."""
    load_library()
    check_access(loaded)
    if loaded.settings.tls_certificate is not None:
        raise SettingsError("local talks to itself without TLS: leave --tls_certificate out, or use talk --url.")
    gateway = build(loaded)
    gateway.preflight()
    level = loaded.settings.log_level
    configure_logging(loaded.settings.log_format, "warning" if level == "info" else level)  # a line a turn is no talk
    with listen(loaded.settings) as listener:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        talking = Talk(
            address=realtime_address(f"http://{shown}:{port}/v1", None),
            key=key,
            device=own.get("device"),
            half_duplex="half_duplex" in own,
            fields=session_fields({}),
        )
        print(announcement(loaded, port), flush=True)
        try:
            asyncio.run(_serve_and_talk(loaded, gateway, listener, talking))
        except NoAnswer as error:
            return failed(str(error))
    return 0


async def _serve_and_talk(loaded: Loaded, gateway: Gateway, listener: socket.socket, talking: Talk) -> None:
    server: GatewayServer

    def give_up() -> None:
        server.should_exit = True

    app = create_app(gateway, give_up, keyring=Keyring(loaded.keys))
    server = GatewayServer(app, loaded.settings, stop=gateway.stop)
    serving = run_among(set(), server.serve(sockets=[listener]))

    async def conversing() -> None:
        while gateway.state != "ready":  # noqa: ASYNC110 - it changes in places that know nothing of us
            await asyncio.sleep(POLL_SECONDS)
        await converse(talking)

    async def served() -> None:
        await asyncio.wait({serving})

    try:
        await race(conversing(), served())
    except NoAnswer:
        if not server.should_exit:  # else a signal ended the server, which told us so
            raise
    finally:
        server.should_exit = True
        await serving

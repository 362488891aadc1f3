"""Serves the gateway: everything is checked before the port opens, engines load behind it."""

import logging
import socket
import sys
from collections.abc import Callable, Sequence

from gateway.access.keys import Keyring
from gateway.app import create_app
from gateway.cli.access_check import check_access
from gateway.cli.reload import Reloads, Running
from gateway.engines.build import RouteBuilder
from gateway.engines.lifecycle import Gateway
from gateway.http.foreign_pages import is_loopback
from gateway.server.server import GatewayServer
from gateway.server.tls import tls_context
from gateway.settings.composition import start_notes
from gateway.settings.model import GatewaySettings, Loaded, Route, SettingsError
from gateway.telemetry.log_format import configure_logging

if sys.platform != "win32":
    import resource

logger = logging.getLogger(__name__)

NAMED_ROUTES = 10
"""The most routes that the announcement names; it is one line."""

BACKLOG = 2048
"""Connections that may wait to be accepted."""


OTHER_FILES = 256
"""Open files that are no connections: libraries, models, the log."""


def serve(loaded: Loaded, reread: Callable[[], Loaded]) -> int:
    """Listen until told to stop; 1 when no route could be loaded. Raises ``SettingsError`` and ``BadOption`` before.

    ``reread`` loads the settings anew, for SIGHUP.
    """
    check_access(loaded)
    settings, keyring, builder = loaded.settings, Keyring(loaded.keys), RouteBuilder(loaded.settings)
    gateway = Gateway(settings, builder.routes(loaded), builder.cache)
    gateway.preflight()
    tls = tls_context(settings)
    running = Running(loaded=loaded, gateway=gateway, builder=builder, keyring=keyring, tls=tls)
    reloads = Reloads(running, reread)
    configure_logging(settings.log_format, settings.log_level)
    _raise_file_limit(settings.max_connections)
    with listen(settings) as listener:
        failed = False

        def give_up() -> None:
            nonlocal failed
            failed = server.should_exit = True

        app = create_app(gateway, give_up, keyring=keyring, attend=reloads.attend)
        server = GatewayServer(app, settings, tls, gateway.stop, reloads.want)
        _announce(announcement(loaded, listener.getsockname()[1]))
        server.run(sockets=[listener])
    return 1 if failed or not server.started else 0


def _raise_file_limit(connections: int) -> None:
    """Allow as many open files as connections need, and as many again for the engines, where the system lets us."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * connections + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        logger.warning("the system allows %d open files; --max_connections %d needs %d", allowed, connections, needed)


def _announce(text: str) -> None:
    """Print ``text``; that nobody can read it stops no server."""
    try:
        print(text, flush=True)
    except (OSError, ValueError) as error:  # a full disk, a reader that left; a closed stream
        logger.warning("standard output cannot be written (%s): %s", error, text)


def listen(settings: GatewaySettings) -> socket.socket:
    """The socket of ``--host`` and ``--port``, which takes connections. Raises ``SettingsError``."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Where uvloop is missing, asyncio sends small chunks at once only on sockets that say they are TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)  # whoever reads the announcement can connect at once
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}); choose --host and --port."
        ) from None
    return listener


def _served(routes: Sequence[Route]) -> str:
    if len(routes) == 1:
        settings = routes[0].settings
        return f"with {settings.llm_backend} model {settings.model_name} voice {settings.voice}"
    named = [
        f"{route.name} ({route.settings.llm_backend} {route.settings.model_name})" for route in routes[:NAMED_ROUTES]
    ]
    more = f" and {len(routes) - NAMED_ROUTES} more" if len(routes) > NAMED_ROUTES else ""
    return f"and serves {len(routes)} models: {', '.join(named)}{more}"


def announcement(loaded: Loaded, port: int) -> str:
    """Where the gateway listens and who answers; one line, and one more for what is worth knowing."""
    settings = loaded.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "http" if settings.tls_certificate is None else "https"
    lines = [f"speech-to-speech listens on {scheme}://{host}:{port}/v1 {_served(loaded.routes)}."]
    lines += start_notes(loaded.routes)
    if not loaded.keys and not is_loopback(settings.host):
        lines.append("Everybody who can reach this port can use it: there are no keys.")
    return "\n".join(lines)

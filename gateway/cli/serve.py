"""Serves the gateway: everything is checked before the port opens, engines load behind it."""

import asyncio
import logging
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from adapters.options import BadOption
from gateway.access.keys import Keyring
from gateway.access.loopback import is_loopback
from gateway.api.page.routes import is_served
from gateway.app import Process, create_app
from gateway.cli import garbage
from gateway.cli.access_check import check_access
from gateway.cli.reload import Reloads, Running
from gateway.cli.supervisor import Crew, Supervisor
from gateway.cli.worker_rules import check_workers
from gateway.engines.build import RouteBuilder
from gateway.engines.lifecycle import Gateway
from gateway.server.server import GatewayServer
from gateway.server.tls import tls_context
from gateway.settings.composition import start_notes
from gateway.settings.model import GatewaySettings, Loaded, Route, SettingsError
from gateway.siblings import ALONE, Siblings
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
    asked = loaded.settings.max_connections
    settings = msgspec.structs.replace(loaded.settings, max_connections=_allowed_connections(asked))
    loaded = msgspec.structs.replace(loaded, settings=settings)
    serving = Serving(loaded, reread)
    configure_logging(settings.log_format, settings.log_level)
    if settings.max_connections < asked:
        logger.warning(
            "the system allows too few open files for --max_connections %d: it is %d now",
            *(asked, settings.max_connections),
        )
    with ExitStack() as open_until_the_end:
        listeners = [open_until_the_end.enter_context(listener) for listener in _listeners(settings)]
        _announce(announcement(loaded, listeners[0].getsockname()[1]))
        if settings.workers == 1:
            return serving.run(listeners[0])
        folder = open_until_the_end.enter_context(tempfile.TemporaryDirectory(prefix="speech-gateway-"))
        return _Crew(loaded, reread, listeners, Path(folder)).run()


class Serving:
    """One process that serves; making it checks everything that can be checked before a port opens.

    Raises ``SettingsError`` and ``BadOption``.
    """

    def __init__(self, loaded: Loaded, reread: Callable[[], Loaded], siblings: Siblings = ALONE) -> None:
        check_access(loaded)
        check_workers(loaded)
        settings, keyring, builder = loaded.settings, Keyring(loaded.keys), RouteBuilder(loaded.settings)
        gateway = Gateway(settings, builder.routes(loaded), builder.cache)
        gateway.preflight()
        tls = tls_context(settings)
        running = Running(loaded=loaded, gateway=gateway, builder=builder, keyring=keyring, tls=tls)
        self._failed = False
        self._gateway = gateway
        self._reloads = Reloads(running, reread, retired=garbage.set_aside)
        self._supervised: int | None = None
        process = Process(attend=(self._reloads.attend, self._watch, self._settle), siblings=siblings)
        app = create_app(gateway, self._give_up, keyring=keyring, process=process)
        self._server = GatewayServer(app, settings, tls, gateway.stop, self._reloads.want)

    def run(self, listener: socket.socket, supervised: int | None = None) -> int:
        """Serve until told to stop, or until the file descriptor ``supervised`` reaches its end."""
        self._supervised = supervised
        if supervised is not None:
            signal.signal(signal.SIGHUP, lambda *_: self._reloads.want())  # until the server listens to it
        self._server.run(sockets=[listener])
        return 1 if self._failed or not self._server.started else 0

    def _give_up(self) -> None:
        self._failed = self._server.should_exit = True

    async def _settle(self) -> None:
        await self._gateway.loaded()
        garbage.set_aside()

    async def _watch(self) -> None:
        if self._supervised is not None:
            over = asyncio.Event()
            asyncio.get_running_loop().add_reader(self._supervised, over.set)
            await over.wait()
            asyncio.get_running_loop().remove_reader(self._supervised)
            self._server.end("the first process")


class _Crew:
    """The workers of ``--workers``, each with a listener of its own, which outlives it."""

    def __init__(
        self, loaded: Loaded, reread: Callable[[], Loaded], listeners: Sequence[socket.socket], folder: Path
    ) -> None:
        self._loaded = loaded
        self._reread = reread
        self._listeners = listeners
        self._folder = folder

    def run(self) -> int:
        crew = Crew(
            count=len(self._listeners),
            shutdown_seconds=self._loaded.settings.shutdown_seconds,
            work=self._work,
            reload=self._reload,
            ended=lambda number: self._listeners[number].close(),
        )
        return Supervisor(crew).run()

    def _work(self, number: int, supervised: int) -> int:
        for other, listener in enumerate(self._listeners):
            if other != number:
                listener.close()  # else its connections would wait for nobody once its worker has ended
        siblings = Siblings(self._folder, number, len(self._listeners))
        return Serving(self._loaded, self._reread, siblings).run(self._listeners[number], supervised)

    def _reload(self) -> bool:
        """Whether the settings can be taken over; workers that are started later have them."""
        try:
            loaded = msgspec.structs.replace(self._reread(), settings=self._loaded.settings)
            Serving(loaded, self._reread)
        except (SettingsError, BadOption) as error:
            logger.error("the settings are not reloaded: %s", error)
            return False
        except Exception as error:  # noqa: BLE001 - an engine of a third party may raise anything when it is made
            logger.error("the settings are not reloaded: an engine failed unexpectedly (%s)", type(error).__name__)
            return False
        self._loaded = loaded
        return True


def _allowed_connections(connections: int) -> int:
    """How many of ``connections`` there can be: as many files more are left to the engines.

    The system is asked to allow as many files. Where it does not, connections that say nothing must not take the last.
    """
    if sys.platform == "win32":
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * connections + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return connections
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == needed:
        return connections
    return max(1, (allowed - OTHER_FILES) // 2, allowed // 4)


def _announce(text: str) -> None:
    """Print ``text``; that nobody can read it stops no server."""
    try:
        print(text, flush=True)
    except (OSError, ValueError) as error:  # a full disk, a reader that left; a closed stream
        logger.warning("standard output cannot be written (%s): %s", error, text)


def _listeners(settings: GatewaySettings) -> list[socket.socket]:
    """A listener for every worker; the system shares connections out among them. Raises ``SettingsError``."""
    if settings.workers == 1:
        return [listen(settings)]
    listen(settings).close()  # no other gateway shares the port
    first = listen(settings, shared=True)
    same = msgspec.structs.replace(settings, port=first.getsockname()[1])
    return [first, *(listen(same, shared=True) for _ in range(settings.workers - 1))]


def listen(settings: GatewaySettings, *, shared: bool = False) -> socket.socket:
    """The socket of ``--host`` and ``--port``, which takes connections, alone or ``shared`` with others of this user.

    Raises ``SettingsError``.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Where uvloop is missing, asyncio sends small chunks at once only on sockets that say they are TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
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
    """Where the gateway listens and who answers, in one line; then what is worth knowing, and where its page is."""
    settings = loaded.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "http" if settings.tls_certificate is None else "https"
    lines = [f"speech-to-speech listens on {scheme}://{host}:{port}/v1 {_served(loaded.routes)}."]
    lines += start_notes(loaded.routes)
    if not loaded.keys and not is_loopback(settings.host):
        lines.append("Everybody who can reach this port can use it: there are no keys.")
    if is_served(settings):
        lines.append(f"Talk to it in a browser: {scheme}://{host}:{port}/")
    return "\n".join(lines)

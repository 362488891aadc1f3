"""Reads the settings again while the gateway runs: all of what changed is taken over, or nothing."""

import asyncio
import logging
import ssl
from collections.abc import Callable

import msgspec

from adapters.options import BadOption
from gateway.access.keys import Keyring
from gateway.cli.access_check import check_access
from gateway.engines.build import RouteBuilder
from gateway.engines.lifecycle import Gateway, preflight
from gateway.server.tls import load_certificate, tls_context
from gateway.settings.model import GatewaySettings, Loaded, SettingsError
from gateway.settings.server import ServerSettings
from gateway.tasks import background

logger = logging.getLogger(__name__)

READ_AGAIN = {"api_keys"}
"""Settings of the server that a process takes over while it runs."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What a process that serves can change: its routes, keys and certificate; ``loaded`` is what it began with."""

    loaded: Loaded
    gateway: Gateway
    builder: RouteBuilder
    keyring: Keyring
    tls: ssl.SSLContext | None = None


class Reloads:
    """Takes over what ``reread`` says whenever it is ``wanted``; ``retired`` is called when it closed any engine."""

    def __init__(
        self, running: Running, reread: Callable[[], Loaded], retired: Callable[[], None] = lambda: None
    ) -> None:
        self._running = running
        self._reread = reread
        self._retired = retired
        self._signal = asyncio.Event()

    def want(self) -> None:
        """Read the settings soon."""
        self._signal.set()

    async def attend(self) -> None:
        """Work in the background for as long as the gateway runs."""
        async with background() as start:
            while True:
                await self._signal.wait()
                self._signal.clear()
                await self.reload()
                start(self._retire())

    async def _retire(self) -> None:
        if await self._running.gateway.retire():
            self._retired()

    async def reload(self) -> None:
        """Take over routes, guards, keys and certificate for new turns, or log why not and leave all as it is."""
        running = self._running
        try:
            loaded = self._reread()
            running.builder.keep(await running.gateway.loaded())  # what could not be loaded is made anew
            await self._take_over(loaded)
        except (SettingsError, BadOption) as error:
            logger.error("the settings are not reloaded: %s", error)
        except Exception as error:  # noqa: BLE001 - an engine of a third party may raise anything when it is made
            logger.error("the settings are not reloaded: an engine failed unexpectedly (%s)", type(error).__name__)
        else:
            for warning in loaded.warnings:
                logger.warning("%s", warning)
            if changed := _changed(running.loaded.settings, loaded.settings):
                logger.warning("%s: changed in the settings, taken over at the next start only", ", ".join(changed))
            logger.info("reloaded: %d routes, %d keys", len(loaded.routes), len(loaded.keys))
        finally:
            running.builder.keep(await running.gateway.loaded())

    async def _take_over(self, loaded: Loaded) -> None:
        running = self._running
        settings = running.loaded.settings
        check_access(msgspec.structs.replace(loaded, settings=settings))  # the address stays what it was
        routes = running.builder.routes(loaded)
        preflight(routes)
        tls_context(settings)  # the files may not fit together
        await running.gateway.take_over(routes)
        running.keyring.replace(loaded.keys)
        if running.tls is not None and settings.tls_certificate is not None and settings.tls_key is not None:
            load_certificate(running.tls, settings.tls_certificate, settings.tls_key)


def _changed(before: GatewaySettings, now: GatewaySettings) -> list[str]:
    """The settings of the server that differ and are not taken over."""
    keys = (key for key in ServerSettings.__struct_fields__ if key not in READ_AGAIN)
    return [key for key in keys if getattr(before, key) != getattr(now, key)]

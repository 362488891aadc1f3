"""A served gateway in a thread of its own, for tests that are no coroutines."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gateway.access.keys import Keyring
from gateway.app import SURFACES, create_app
from gateway.http.surface import Surface
from tests.support.server import gateway_of, scripted_engines, serving, until


@contextmanager
def threaded_gateway(keys: Keyring | None = None, surfaces: Sequence[Surface] = SURFACES) -> Iterator[str]:
    """The address of a gateway with scripted engines, which is ready."""
    loop, over, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    address: list[str] = []

    async def serve() -> None:
        served = gateway_of(scripted_engines())
        async with serving(create_app(served, surfaces=surfaces, keyring=keys), served.settings) as (where, _):
            await until(lambda: served.state == "ready")
            address.append(where)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield address[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()

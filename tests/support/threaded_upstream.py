"""The scripted server in a thread of its own, for tests that block while a process asks it."""

import asyncio
import threading
from typing import Self

from tests.support.upstream_server import Script, UpstreamServer


class ThreadedUpstream:
    """Serves within its ``with`` block; ``base_url`` is where."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))
        self.base_url = ""

    async def _serve(self) -> None:
        async with UpstreamServer(self._script) as server:
            self.base_url = server.base_url
            self._ready.set()
            await self._over.wait()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

"""All bodies in memory together have a bound: what does not fit is told to come back, and every byte is given back."""

import asyncio
from collections.abc import AsyncGenerator

import httpx

from tests.support.http_client import ROUTE, WAV, refused
from tests.support.server import gateway_of, question, scripted_engines, served

MEGABYTE = 1024 * 1024


async def held(size: int, begun: asyncio.Event, go_on: asyncio.Event) -> AsyncGenerator[bytes, None]:
    """A body that stays in memory until it may end."""
    for _ in range(size // MEGABYTE):
        yield bytes(MEGABYTE)
    begun.set()
    await go_on.wait()


async def test_bodies_that_do_not_fit_together_are_refused_until_there_is_room() -> None:
    gateway = gateway_of(scripted_engines(), "--request_memory_mb", "64")
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        begun, go_on = [asyncio.Event() for _ in range(3)], asyncio.Event()
        first = [
            asyncio.create_task(client.post(ROUTE, content=held(20 * MEGABYTE, event, go_on), headers=WAV))
            for event in begun
        ]
        async with asyncio.timeout(20):
            for event in begun:
                await event.wait()
            while True:  # the last bytes are still on their way
                error = await client.post(ROUTE, content=bytes(10 * MEGABYTE), headers=WAV)
                if error.status_code == 503:
                    break
        assert refused(error, 503)["code"] == "service_unavailable"
        assert "retry-after" in error.headers
        small = await client.post(ROUTE, content=question(), headers=WAV)
        assert small.status_code == 200, "there is room for a small one"
        go_on.set()
        assert {(await response).status_code for response in first} == {400}, "zeros are no recording"
        after = await client.post(ROUTE, content=bytes(10 * MEGABYTE), headers=WAV)
        assert after.status_code == 400, "the room was not given back"

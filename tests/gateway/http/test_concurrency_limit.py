"""No more turns at once than the settings allow: the next one is told to come back, and a place is given back."""

import asyncio
from collections.abc import AsyncGenerator

import httpx

from adapters import scripted
from adapters.contract import llm
from tests.support.server import gateway_of, question, scripted_engines, served, until

ROUTE = "/v1/audio/speech-to-speech"


async def test_a_turn_too_many_is_refused_and_the_place_comes_back() -> None:
    release = asyncio.Event()

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        await release.wait()
        yield llm.TextDelta(text="At last.")
        yield llm.Finished(reason="stop", usage=None)

    model = scripted.language_model(script)
    gateway = gateway_of(scripted_engines(llm=model), "--max_requests", "1")
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        first = asyncio.create_task(client.post(ROUTE, files={"file": question()}))
        await until(lambda: model.open == 1)
        refused = await client.post(ROUTE, files={"file": question()})
        assert (await client.get("/health")).status_code == 200
        release.set()
        assert (await first).status_code == 200
        again = await client.post(ROUTE, files={"file": question()})
    assert refused.status_code == 503
    assert refused.json()["error"]["type"] == "server_error"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["x-should-retry"] == "true"
    assert again.status_code == 200

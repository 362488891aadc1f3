"""Alive at once, ready when models have loaded; until then requests are told to come back."""

import asyncio
from importlib.metadata import version

import httpx

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import Unavailable
from gateway.app import create_app
from gateway.engines.lifecycle import Gateway
from tests.support.http_client import ROUTE, form, refused
from tests.support.server import gateway_with_routes, scripted_engines, serving, until


class Slow(scripted.Scripted[llm.Request, llm.Event, llm.Info]):
    """A model that loads when it is told to, and may break after that."""

    failure: str | None = None

    def __init__(self, error: Unavailable | None = None) -> None:
        super().__init__(llm.Info(), scripted.answering("Hello."))
        self.loaded = asyncio.Event()
        self.error = error

    async def warm_up(self) -> None:
        await self.loaded.wait()
        if self.error is not None:
            raise self.error


async def test_the_port_answers_while_models_load_and_readiness_names_each() -> None:
    slow, broken = Slow(), Slow(Unavailable("There are no weights."))
    broken.loaded.set()
    routes = [
        gateway_with_routes(scripted_engines(llm=engine), [(name, ())]).routes[0]
        for name, engine in (("broken", broken), ("slow", slow))
    ]
    gateway = Gateway(gateway_with_routes(scripted_engines(), []).settings, routes)
    async with (
        serving(create_app(gateway), gateway.settings) as (address, _),
        httpx.AsyncClient(base_url=address, timeout=10) as client,
    ):
        assert (await client.get("/health")).json() == {"status": "ok", "version": version("speech-gateway")}
        loading = await client.get("/ready")
        assert (loading.status_code, loading.json()["status"]) == (503, "loading")
        early = await client.post(ROUTE, **form(fields={"model": "slow"}))
        assert "still loading" in refused(early, 503)["message"]
        assert early.headers["retry-after"] == "1"
        slow.loaded.set()
        await until(lambda: gateway.state == "ready")
        ready = await client.get("/ready")
        assert (ready.status_code, ready.json()) == (
            200,
            {"status": "ready", "models": {"broken": "failed", "slow": "ready"}, "queues": [], "workers": ["ready"]},
        )
        assert (await client.post(ROUTE, **form(fields={"model": "slow"}))).status_code == 200
        refused(await client.post(ROUTE, **form(fields={"model": "broken"})), 502)
        slow.failure = "its thread died"
        ended = await client.get("/ready")
        assert (ended.status_code, ended.json()["models"]["slow"]) == (503, "failed")
        late = refused(await client.post(ROUTE, **form(fields={"model": "slow"})), 503)
        assert "its thread died" in late["message"]

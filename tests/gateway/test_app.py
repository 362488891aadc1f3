"""The application as a whole: every answer has a name, engines live as long as it does."""

import asyncio
import subprocess
import sys
from typing import Any

import httpx
import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import Unavailable
from adapters.options import BadOption
from gateway.app import create_app
from tests.support.http_client import ROUTE, form
from tests.support.server import gateway_of, gateway_with_routes, scripted_engines, served, until


class Living(scripted.Scripted[llm.Request, llm.Event, llm.Info]):
    """A model that notes when it was loaded and closed."""

    def __init__(self, error: Unavailable | None = None) -> None:
        super().__init__(llm.Info(), scripted.answering("Hello."))
        self.events: list[str] = []
        self.error = error

    async def warm_up(self) -> None:
        self.events.append("warm_up")
        if self.error:
            raise self.error

    async def aclose(self) -> None:
        self.events.append("aclose")


async def test_every_answer_has_its_time_and_a_request_id_of_its_own() -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        answers = [
            await client.get("/health"),
            await client.get("/v1/models"),
            await client.get("/nowhere"),
            await client.get(ROUTE),
            await client.post(ROUTE),
            await client.post(ROUTE, **form()),
            await client.post(ROUTE, **form(fields={"stream_format": "sse"})),
            await client.get("/docs/openapi.json"),
            await client.get("/v1/responses/resp_none"),
            await client.post("/v1/conversations", json={}),
        ]
    ids = [answer.headers.get_list("x-request-id") for answer in answers]
    assert all(len(each) == 1 and each[0].startswith("req_") and len(each[0]) == 36 for each in ids)
    assert len({each[0] for each in ids}) == len(answers)
    times = [answer.headers.get_list("openai-processing-ms") for answer in answers]
    assert all(len(each) == 1 and each[0].isdecimal() for each in times)


async def test_engines_are_loaded_once_and_closed_at_the_end() -> None:
    model = Living()
    gateway = gateway_with_routes(scripted_engines(llm=model), [("a", ()), ("b", ())])
    async with served(gateway):
        assert model.events == ["warm_up"]
    assert model.events == ["warm_up", "aclose"]


async def in_lifespan(app: Any, until_then: Any) -> None:
    """Start ``app`` as a server does, wait for ``until_then``, and shut it down."""
    messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    replies: list[dict[str, str]] = []

    async def send(message: Any) -> None:
        replies.append(message)

    messages.put_nowait({"type": "lifespan.startup"})
    running = asyncio.create_task(app({"type": "lifespan", "asgi": {}, "state": {}, "app": app}, messages.get, send))
    await until(until_then)
    messages.put_nowait({"type": "lifespan.shutdown"})
    await running
    assert [reply["type"] for reply in replies] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_gateway_without_a_route_that_loads_says_so() -> None:
    model = Living(Unavailable("There are no weights."))
    failed = asyncio.Event()
    await in_lifespan(create_app(gateway_of(scripted_engines(llm=model)), failed.set), failed.is_set)
    assert model.events == ["warm_up", "aclose"]


async def test_a_gateway_with_one_route_that_loads_does_not() -> None:
    broken, whole = Living(Unavailable("There are no weights.")), Living()
    routes = [
        *gateway_with_routes(scripted_engines(llm=broken), [("broken", ())]).routes,
        *gateway_with_routes(scripted_engines(llm=whole), [("whole", ())]).routes,
    ]
    gateway = gateway_with_routes(scripted_engines(), [])
    gateway.routes = tuple(routes)
    failed = asyncio.Event()
    await in_lifespan(create_app(gateway, failed.set), lambda: gateway.state == "ready")
    assert not failed.is_set()


async def test_shutting_down_while_a_model_loads_does_not_wait_for_it() -> None:
    loading = asyncio.Event()

    class Endless(Living):
        async def warm_up(self) -> None:
            loading.set()
            await asyncio.Event().wait()

    model = Endless()
    await in_lifespan(create_app(gateway_of(scripted_engines(llm=model))), loading.is_set)
    assert model.events == ["aclose"]


def test_a_store_that_cannot_be_one_is_refused_before_anything_is_served() -> None:
    with pytest.raises(BadOption, match="--conversation_store"):
        create_app(gateway_of(scripted_engines(), "--conversation_store", "memcached://localhost"))


def test_the_client_of_a_store_is_imported_only_when_it_is_used() -> None:
    report = "import sys, gateway.app\nprint('redis' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"

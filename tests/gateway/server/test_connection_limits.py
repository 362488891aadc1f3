"""How many connections there may be, over sockets: who gives way, who is refused, and that a place comes back."""

import asyncio
import json
from collections.abc import AsyncGenerator

from adapters import scripted
from adapters.contract import llm
from tests.support.http_client import ROUTE
from tests.support.raw_client import RawConnection, answer_to, request
from tests.support.server import gateway_of, question, scripted_engines, served, until

HEALTH = request("GET", "/health")


class Held:
    """A model that does not answer before it is told to."""

    def __init__(self) -> None:
        self.release = asyncio.Event()

    async def __call__(self, _request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        await self.release.wait()
        yield llm.TextDelta(text="At last.")
        yield llm.Finished(reason="stop", usage=None)


async def test_past_the_bound_the_connection_that_was_idle_longest_gives_way() -> None:
    async with served(gateway_of(scripted_engines(), "--max_connections", "3")) as address:
        connections = [await RawConnection.open(address, HEALTH) for _ in range(3)]
        for connection in connections:
            assert (await connection.next_answer()).status == 200
        await connections[0].send(HEALTH)
        assert (await connections[0].next_answer()).status == 200
        fourth = await RawConnection.open(address, HEALTH)
        assert (await fourth.next_answer()).status == 200
        await connections[1].closed()
        for connection in (connections[0], connections[2], fourth):
            await connection.send(HEALTH)
            assert (await connection.next_answer()).status == 200
            await connection.close()


async def test_the_bound_holds_when_many_come_at_once() -> None:
    async with served(gateway_of(scripted_engines(), "--max_connections", "3")) as address:
        connections = await asyncio.gather(*(RawConnection.open(address) for _ in range(20)))
        closed = [asyncio.create_task(connection.closed()) for connection in connections]
        await until(lambda: sum(task.done() for task in closed) == 17)
    await asyncio.gather(*closed)


async def test_where_all_are_busy_a_new_connection_is_told_to_come_back() -> None:
    held = Held()
    model = scripted.language_model(held)
    asked = request("POST", ROUTE, "content-type: audio/wav", "connection: close", body=question())
    async with served(gateway_of(scripted_engines(llm=model), "--max_connections", "2")) as address:
        busy = [await RawConnection.open(address, asked) for _ in range(2)]
        await until(lambda: model.open == 2)
        refused = await (await RawConnection.open(address)).last_answer()
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert json.loads(refused.body)["error"]["code"] == "service_unavailable"
        held.release.set()
        assert [(await connection.last_answer()).status for connection in busy] == [200, 200]
        assert (await answer_to(address, HEALTH)).status == 200


async def test_one_address_may_be_bounded() -> None:
    async with served(gateway_of(scripted_engines(), "--max_connections_per_client", "2")) as address:
        first, second = [await RawConnection.open(address, HEALTH) for _ in range(2)]
        assert (await second.next_answer()).status == 200
        assert (await (await RawConnection.open(address)).last_answer()).status == 503
        await first.close()
        await second.send(HEALTH)
        assert (await second.next_answer()).status == 200, "who was there first stays"
        await second.close()
        async with asyncio.timeout(10):
            while (await answer_to(address, HEALTH)).status != 200:  # the server hears of the places a moment later
                pass

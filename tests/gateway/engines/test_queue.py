"""The queue in front of an engine: no more than it can do at once, in order, a clear refusal, no place lost."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx
import pytest

from adapters.contract import llm
from adapters.contract.errors import Unavailable, UpstreamError
from gateway.engines.queue import EVENTS_AHEAD, QueuedEngine
from tests.support.http_client import ROUTE, form, refused
from tests.support.server import gateway_with_routes, scripted_engines, served, until

REQUEST = llm.Request(model="m", messages=())


class OneAtATime:
    """A model that writes for one caller at a time, each until it is released."""

    def __init__(self, max_parallel: int = 1) -> None:
        self.info = llm.Info(max_parallel=max_parallel)
        self.release = asyncio.Event()
        self.working = 0
        self.most = 0
        self.fails = False

    async def stream(self, _request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        self.working += 1
        self.most = max(self.most, self.working)
        try:
            yield llm.TextDelta(text="busy")
            if self.fails:
                raise UpstreamError("It fell over.")
            await self.release.wait()
            yield llm.Finished(reason="stop", usage=None)
        finally:
            self.working -= 1

    async def warm_up(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


class Endless(OneAtATime):
    """A model that writes on and on."""

    produced = 0
    open = 0

    async def stream(self, _request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        self.open += 1
        try:
            while True:
                self.produced += 1
                yield llm.TextDelta(text="on ")
        finally:
            self.open -= 1


async def drain(queued: QueuedEngine) -> int:
    async with asyncio.timeout(10), aclosing(queued.stream(REQUEST)) as events:
        return len([event async for event in events])


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("places", [1, 3])
async def test_no_more_streams_run_than_the_engine_can_take(places: int) -> None:
    engine = OneAtATime(places)
    queued = QueuedEngine("model", engine, max_queue=10)
    readers = [asyncio.create_task(drain(queued)) for _ in range(7)]
    await settle()
    assert engine.working == places
    engine.release.set()
    assert await asyncio.gather(*readers) == [2] * 7
    assert engine.most == places


@pytest.mark.parametrize("max_queue", [0, 2])
async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(max_queue: int) -> None:
    engine = OneAtATime()
    queued = QueuedEngine("model", engine, max_queue)
    readers = [asyncio.create_task(drain(queued)) for _ in range(1 + max_queue)]
    await settle()
    with pytest.raises(Unavailable, match=f"model is busy and {max_queue} requests are waiting") as refusal:
        await drain(queued)
    assert refusal.value.retry_after == 1.0
    engine.release.set()
    assert await asyncio.gather(*readers) == [2] * (1 + max_queue)
    assert await drain(queued) == 2, "a refusal cost a place"


async def test_a_waiter_that_gives_up_leaves_its_place_in_the_queue() -> None:
    engine = OneAtATime()
    queued = QueuedEngine("model", engine, max_queue=1)
    first, waiting = asyncio.create_task(drain(queued)), asyncio.create_task(drain(queued))
    await settle()
    waiting.cancel()
    await asyncio.wait([waiting])
    other = asyncio.create_task(drain(queued))
    await settle()
    assert not other.done(), "the queue still counts the one that has gone"
    engine.release.set()
    assert [await first, await other] == [2, 2]


async def test_a_waiter_that_gives_up_as_its_turn_comes_passes_it_on() -> None:
    engine = OneAtATime()
    queued = QueuedEngine("model", engine, max_queue=2)
    first, waiting, last = (asyncio.create_task(drain(queued)) for _ in range(3))
    await settle()
    engine.release.set()
    await first
    waiting.cancel()  # it has been given the place, and does not know yet
    assert await last == 2
    assert engine.working == 0


async def test_a_stream_that_is_closed_early_frees_its_place() -> None:
    engine = OneAtATime()
    queued = QueuedEngine("model", engine, max_queue=0)
    stream = queued.stream(REQUEST)
    await anext(stream)
    await stream.aclose()
    assert engine.working == 0
    engine.release.set()
    assert await drain(queued) == 2


async def test_a_stream_that_fails_frees_its_place() -> None:
    engine = OneAtATime()
    queued = QueuedEngine("model", engine, max_queue=0)
    engine.fails = True
    with pytest.raises(UpstreamError):
        await drain(queued)
    engine.fails = False
    engine.release.set()
    assert await drain(queued) == 2


async def test_a_reader_that_does_not_read_does_not_hold_a_place() -> None:
    engine = OneAtATime()
    engine.release.set()
    queued = QueuedEngine("model", engine, max_queue=1)
    async with aclosing(queued.stream(REQUEST)) as unread:
        assert await anext(unread) == llm.TextDelta(text="busy")
        assert await drain(queued) == 2
        assert [event async for event in unread] == [llm.Finished(reason="stop", usage=None)]


async def test_an_endless_answer_that_nobody_reads_stays_bounded() -> None:
    engine = Endless()
    queued = QueuedEngine("model", engine, max_queue=1)
    async with aclosing(queued.stream(REQUEST)) as unread:
        await anext(unread)
        for _ in range(3):  # it runs ahead without ever waiting, up to where it has to
            await settle()
        assert EVENTS_AHEAD <= engine.produced <= EVENTS_AHEAD + 2
    assert engine.open == 0


async def test_a_failure_comes_after_what_was_said_before_it() -> None:
    engine = OneAtATime()
    engine.fails = True
    said: list[llm.Event] = []
    with pytest.raises(UpstreamError):
        async with aclosing(QueuedEngine("model", engine, max_queue=0).stream(REQUEST)) as events:
            async for event in events:
                await settle()
                said.append(event)
    assert said == [llm.TextDelta(text="busy")]


async def test_those_who_wait_are_served_in_the_order_in_which_they_came() -> None:
    engine = OneAtATime()
    engine.release.set()
    queued = QueuedEngine("model", engine, max_queue=9)
    served_names: list[int] = []

    async def ask(name: int) -> None:
        async with aclosing(queued.stream(REQUEST)) as events:
            await anext(events)
            served_names.append(name)

    await asyncio.gather(*(ask(name) for name in range(9)))
    assert served_names == list(range(9))


async def test_what_an_engine_can_do_at_once_may_depend_on_what_it_has_loaded() -> None:
    engine = OneAtATime(8)
    queued = QueuedEngine("model", engine, max_queue=9)
    engine.info = llm.Info(max_parallel=1)
    await queued.warm_up()
    readers = [asyncio.create_task(drain(queued)) for _ in range(3)]
    await settle()
    assert engine.working == 1
    engine.release.set()
    assert await asyncio.gather(*readers) == [2, 2, 2]


async def test_a_full_queue_is_a_503_with_a_time_to_come_back() -> None:
    engine = OneAtATime()
    engines = scripted_engines(llm=QueuedEngine("model", engine, 0))
    gateway = gateway_with_routes(engines, [("m", ())])
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        first = asyncio.create_task(client.post(ROUTE, **form(fields={"stream_format": "sse"})))
        await until(lambda: engine.working == 1)
        response = await client.post(ROUTE, **form())
        assert refused(response, 503)["code"] == "service_unavailable"
        assert (response.headers["retry-after"], response.headers["x-should-retry"]) == ("1", "true")
        engine.release.set()
        assert (await first).status_code == 200

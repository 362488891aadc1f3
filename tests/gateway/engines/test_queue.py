"""The queue in front of an engine: no more than it can do at once, in order, a clear refusal, no place lost."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx
import pytest
from msgspec import structs

from adapters import scripted
from adapters.contract import llm, tts
from adapters.contract.errors import Unavailable, UpstreamError
from gateway.engines.admission import Admission
from gateway.engines.queue import EVENTS_AHEAD, QueuedEngine, QueueLimits, queues_of
from tests.support.http_client import ROUTE, form, refused
from tests.support.server import gateway_with_routes, scripted_engines, served, until
from tests.support.virtual_time import in_virtual_time

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


def queue_of(engine: OneAtATime, length: int, seconds: float = 30.0) -> QueuedEngine:
    return QueuedEngine("model", engine, QueueLimits(length=length, seconds=seconds))


async def drain(queued: QueuedEngine) -> int:
    async with asyncio.timeout(10), aclosing(queued.stream(REQUEST)) as events:
        return len([event async for event in events])


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("places", [1, 3])
async def test_no_more_streams_run_than_the_engine_can_take(places: int) -> None:
    engine = OneAtATime(places)
    queued = queue_of(engine, 10)
    readers = [asyncio.create_task(drain(queued)) for _ in range(7)]
    await settle()
    assert engine.working == places
    engine.release.set()
    assert await asyncio.gather(*readers) == [2] * 7
    assert engine.most == places


@pytest.mark.parametrize("max_queue", [0, 2])
async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(max_queue: int) -> None:
    engine = OneAtATime()
    queued = queue_of(engine, max_queue)
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
    queued = queue_of(engine, 1)
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
    queued = queue_of(engine, 2)
    first, waiting, last = (asyncio.create_task(drain(queued)) for _ in range(3))
    await settle()
    engine.release.set()
    await first
    waiting.cancel()  # it has been given the place, and does not know yet
    assert await last == 2
    assert engine.working == 0


async def test_a_stream_that_is_closed_early_frees_its_place() -> None:
    engine = OneAtATime()
    queued = queue_of(engine, 0)
    stream = queued.stream(REQUEST)
    await anext(stream)
    await stream.aclose()
    assert engine.working == 0
    engine.release.set()
    assert await drain(queued) == 2


async def test_a_stream_that_fails_frees_its_place() -> None:
    engine = OneAtATime()
    queued = queue_of(engine, 0)
    engine.fails = True
    with pytest.raises(UpstreamError):
        await drain(queued)
    engine.fails = False
    engine.release.set()
    assert await drain(queued) == 2


async def test_a_reader_that_does_not_read_does_not_hold_a_place() -> None:
    engine = OneAtATime()
    engine.release.set()
    queued = queue_of(engine, 1)
    async with aclosing(queued.stream(REQUEST)) as unread:
        assert await anext(unread) == llm.TextDelta(text="busy")
        assert await drain(queued) == 2
        assert [event async for event in unread] == [llm.Finished(reason="stop", usage=None)]


async def test_an_endless_answer_that_nobody_reads_stays_bounded() -> None:
    engine = Endless()
    queued = queue_of(engine, 1)
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
        async with aclosing(queue_of(engine, 0).stream(REQUEST)) as events:
            async for event in events:
                await settle()
                said.append(event)
    assert said == [llm.TextDelta(text="busy")]


async def test_those_who_wait_are_served_in_the_order_in_which_they_came() -> None:
    engine = OneAtATime()
    engine.release.set()
    queued = queue_of(engine, 9)
    served_names: list[int] = []

    async def ask(name: int) -> None:
        async with aclosing(queued.stream(REQUEST)) as events:
            await anext(events)
            served_names.append(name)

    await asyncio.gather(*(ask(name) for name in range(9)))
    assert served_names == list(range(9))


async def test_what_an_engine_can_do_at_once_may_depend_on_what_it_has_loaded() -> None:
    engine = OneAtATime(8)
    queued = queue_of(engine, 9)
    engine.info = llm.Info(max_parallel=1)
    await queued.warm_up()
    readers = [asyncio.create_task(drain(queued)) for _ in range(3)]
    await settle()
    assert engine.working == 1
    engine.release.set()
    assert await asyncio.gather(*readers) == [2, 2, 2]


async def test_a_full_queue_is_a_503_with_a_time_to_come_back() -> None:
    engine = OneAtATime()
    engines = scripted_engines(llm=queue_of(engine, 0))
    gateway = gateway_with_routes(engines, [("m", ())])
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        first = asyncio.create_task(client.post(ROUTE, **form(fields={"stream_format": "sse"})))
        await until(lambda: engine.working == 1)
        response = await client.post(ROUTE, **form())
        assert refused(response, 503)["code"] == "service_unavailable"
        assert (response.headers["retry-after"], response.headers["x-should-retry"]) == ("1", "true")
        engine.release.set()
        assert (await first).status_code == 200


@in_virtual_time
async def test_who_waits_longer_than_the_longest_wait_is_refused_and_costs_no_place() -> None:
    engine = OneAtATime()
    queued = queue_of(engine, 5, seconds=2)
    first = asyncio.create_task(drain(queued))
    await settle()
    begun = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable, match="model is too slow for all that ask it"):
        await drain(queued)
    assert asyncio.get_running_loop().time() - begun == pytest.approx(2)
    engine.release.set()
    assert [await first, await drain(queued)] == [2, 2]
    assert (queued.state.running, queued.state.waiting, queued.state.refused) == (0, 0, 1)


async def ask(queued: QueuedEngine, name: str) -> None:
    async with aclosing(queued.stream(llm.Request(model=name, messages=()))) as events:
        async for _ in events:
            pass


class Timed(OneAtATime):
    """A model that works for ``seconds`` on every stream."""

    def __init__(self, seconds: float, max_parallel: int = 1) -> None:
        super().__init__(max_parallel)
        self.seconds = seconds
        self.order: list[object] = []

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        self.order.append(request.model)
        await asyncio.sleep(self.seconds)
        yield llm.Finished(reason="stop", usage=None)


@in_virtual_time
async def test_who_would_wait_for_too_long_is_refused_at_once_and_told_for_how_long() -> None:
    queued = queue_of(Timed(4.0), 9, seconds=10)
    await ask(queued, "m")  # now it is known how long a place is held
    readers = [asyncio.create_task(ask(queued, "m")) for _ in range(3)]
    await settle()
    begun = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable) as refusal:  # three times four seconds
        await ask(queued, "m")
    assert asyncio.get_running_loop().time() == begun
    assert refusal.value.retry_after == pytest.approx(12)
    await asyncio.gather(*readers)  # those who were let in are served


@in_virtual_time
async def test_the_time_to_come_back_is_never_more_than_clients_bear() -> None:
    queued = queue_of(Timed(500.0), 0)
    await ask(queued, "m")
    reader = asyncio.create_task(ask(queued, "m"))
    await settle()
    with pytest.raises(Unavailable) as refusal:
        await ask(queued, "m")
    assert refusal.value.retry_after == 60
    await reader


@in_virtual_time
async def test_a_turn_that_has_begun_is_not_refused_and_waits_ahead_of_new_ones() -> None:
    hears, speaks = Timed(0.5), Timed(4.0)
    first, second = queue_of(hears, 9), queue_of(speaks, 1, seconds=30)

    async def turn() -> None:
        with Admission() as current:
            current.ask([first], first=True)
            current.ask([second], first=False)
            await ask(first, "turn")
            await ask(second, "turn")
            await ask(second, "turn again")

    turning = asyncio.create_task(turn())
    await settle()
    others = [asyncio.create_task(ask(second, name)) for name in ("one", "two")]
    await turning
    await asyncio.gather(*others)
    assert speaks.order == ["one", "turn", "two", "turn again"]
    assert second.state.refused == 0


@in_virtual_time
async def test_a_turn_is_refused_when_it_begins_if_a_later_engine_could_not_serve_it_in_time() -> None:
    hears, speaks = queue_of(Timed(0.1, 9), 9), queue_of(Timed(4.0), 9, seconds=10)
    await ask(speaks, "m")
    turns = [Admission() for _ in range(4)]
    for turn in turns[:3]:
        turn.ask([hears], first=True)
        turn.ask([speaks], first=False)
    turns[3].ask([hears], first=True)
    with pytest.raises(Unavailable):  # nobody waits at the second engine yet, but three will come
        turns[3].ask([speaks], first=False)
    turns[0].close()
    turns[3].ask([speaks], first=False)
    assert speaks.state.coming == 3
    for turn in turns:
        turn.close()
    assert (speaks.state.coming, hears.state.coming) == (0, 0)


@in_virtual_time
async def test_turns_that_come_later_than_the_engine_needs_for_them_are_no_wait() -> None:
    speaks = queue_of(Timed(4.0), 9, seconds=3)

    async def turn() -> None:
        with Admission() as current:
            current.ask([speaks], first=False)
            await asyncio.sleep(60)
            await ask(speaks, "turn")

    await turn()  # now it is known how long that takes, and that turns come a minute after they began
    turns = [asyncio.create_task(turn()) for _ in range(10)]
    await settle()
    assert speaks.state.coming == 10
    await asyncio.gather(*turns)
    assert speaks.state.refused == 0


async def test_a_turn_is_admitted_by_the_first_engine_that_can_take_it() -> None:
    busy, free = queue_of(OneAtATime(), 0), queue_of(OneAtATime(), 0)
    first = asyncio.create_task(drain(busy))
    await settle()
    current = Admission()
    current.ask(tuple(queues_of(Alternatives(busy, free))), first=True)
    assert (busy.state.coming, free.state.coming) == (0, 1)
    with pytest.raises(Unavailable, match="0 requests are waiting"):
        Admission().ask([busy], first=True)
    Admission().ask([busy, None], first=True)
    assert busy.state.coming == 0
    first.cancel()
    await asyncio.wait([first])


class Alternatives:
    """A wrapper around engines."""

    def __init__(self, *engines: QueuedEngine) -> None:
        self.alternatives = engines


async def test_a_turn_that_a_later_engine_cannot_take_is_a_503_before_any_engine_works() -> None:
    release = asyncio.Event()

    async def speaking(request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        await release.wait()
        yield tts.AudioChunk(pcm=bytes(2000))
        yield tts.Finished(seconds=0.04, characters=len(request.text))

    synthesiser = scripted.synthesiser()
    synthesiser.info, synthesiser.script = structs.replace(synthesiser.info, max_parallel=1), speaking
    speaks = QueuedEngine("voice", synthesiser, QueueLimits(length=0, seconds=30))
    engines = scripted_engines(tts=speaks)
    gateway = gateway_with_routes(engines, [("m", ())])
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        first = asyncio.create_task(client.post(ROUTE, **form()))
        await until(lambda: speaks.state.running == 1)
        assert "0 requests are waiting" in refused(await client.post(ROUTE, **form()), 503)["message"]
        assert (engines.llm.opened, engines.stt.opened) == (1, 1)  # type: ignore[attr-defined, union-attr]
        assert (await client.get("/ready")).json()["queues"] == [
            {"stage": "tts", "engine": "voice", "capacity": 1, "running": 1, "waiting": 0, "coming": 0, "refused": 1}
        ]
        release.set()
        assert (await first).status_code == 200, "its second utterance was refused"
        assert speaks.state.running == speaks.state.coming == 0

"""Engines are built once, stand behind bounded queues, and one that cannot load takes no other route with it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import Unavailable, UnknownModel, UpstreamError
from adapters.llm.echo import Echo
from adapters.options import BadOption
from adapters.tts.espeak import Espeak
from adapters.vad.energy import Energy
from gateway.engines import Gateway, Queued, build
from gateway.settings.load import load
from tests.gateway.asking import ROUTE, form, refused
from tests.gateway.serving import gateway_of, gateway_with_routes, scripted_engines, served, until

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


async def drain(queued: Queued) -> int:
    async with asyncio.timeout(10), aclosing(queued.stream(REQUEST)) as events:
        return len([event async for event in events])


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("places", [1, 3])
async def test_no_more_streams_run_than_the_engine_can_take(places: int) -> None:
    engine = OneAtATime(places)
    queued = Queued("model", engine, max_queue=10)
    readers = [asyncio.create_task(drain(queued)) for _ in range(7)]
    await settle()
    assert engine.working == places
    engine.release.set()
    assert await asyncio.gather(*readers) == [2] * 7
    assert engine.most == places


@pytest.mark.parametrize("max_queue", [0, 2])
async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(max_queue: int) -> None:
    engine = OneAtATime()
    queued = Queued("model", engine, max_queue)
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
    queued = Queued("model", engine, max_queue=1)
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
    queued = Queued("model", engine, max_queue=2)
    first, waiting, last = (asyncio.create_task(drain(queued)) for _ in range(3))
    await settle()
    engine.release.set()
    await first
    waiting.cancel()  # it has been given the place, and does not know yet
    assert await last == 2
    assert engine.working == 0


async def test_a_stream_that_is_closed_early_frees_its_place() -> None:
    engine = OneAtATime()
    queued = Queued("model", engine, max_queue=0)
    stream = queued.stream(REQUEST)
    await anext(stream)
    await stream.aclose()
    assert engine.working == 0
    engine.release.set()
    assert await drain(queued) == 2


async def test_a_stream_that_fails_frees_its_place() -> None:
    engine = OneAtATime()
    queued = Queued("model", engine, max_queue=0)
    engine.fails = True
    with pytest.raises(UpstreamError):
        await drain(queued)
    engine.fails = False
    engine.release.set()
    assert await drain(queued) == 2


async def test_a_full_queue_is_a_503_with_a_time_to_come_back() -> None:
    engine = OneAtATime()
    engines = scripted_engines(llm=Queued("model", engine, 0))
    gateway = gateway_with_routes(engines, [("m", ())])
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        first = asyncio.create_task(client.post(ROUTE, **form(fields={"stream_format": "sse"})))
        await until(lambda: engine.working == 1)
        response = await client.post(ROUTE, **form())
        assert refused(response, 503)["code"] == "service_unavailable"
        assert (response.headers["retry-after"], response.headers["x-should-retry"]) == ("1", "true")
        engine.release.set()
        assert (await first).status_code == 200


def loaded(tmp_path: Path, routes: str) -> Gateway:
    (tmp_path / "gateway.toml").write_text(routes)
    return build(load([str(tmp_path / "gateway.toml")], {}))


def test_routes_share_engines_with_the_same_options(tmp_path: Path) -> None:
    first, second, third = loaded(
        tmp_path,
        """
        [[routes]]
        name = "a"
        [[routes]]
        name = "b"
        voice = "nova"
        [[routes]]
        name = "c"
        vad_energy_threshold_db = -40.0
        llm_backend = "chat-completions"
        responses_api_base_url = "http://127.0.0.1:1/v1"
        """,
    ).routes
    assert first.engines.stt is second.engines.stt is third.engines.stt
    assert first.engines.tts is second.engines.tts is third.engines.tts
    assert first.engines.vad is second.engines.vad
    assert first.engines.llm is second.engines.llm
    assert third.engines.vad is not first.engines.vad, "another threshold is another detector"
    assert third.engines.llm is not first.engines.llm


def test_engines_that_can_do_so_much_stand_behind_a_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = build(load([], {})).routes[0].engines
    assert not isinstance(plain.llm, Queued)
    monkeypatch.setattr(Echo, "info", llm.Info(max_parallel=2))
    queued = build(load(["--max_queue", "5"], {})).routes[0].engines.llm
    assert isinstance(queued, Queued)
    assert queued.info.max_parallel == 2


def test_a_detector_that_hears_at_another_rate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Energy, "sample_rate", 8_000)
    with pytest.raises(BadOption, match="--vad energy listens at 8000 Hz, --stt pocketsphinx at 16000 Hz"):
        build(load([], {}))


class Loading(scripted.Scripted[Any, Any, Any]):
    """A model that loads when it is told to, or fails to."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(llm.Info(), scripted.answering("Hello."))
        self.go = asyncio.Event()
        self.error = error
        self.closed = 0

    async def warm_up(self) -> None:
        await self.go.wait()
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.closed += 1
        if self.error is not None:
            raise self.error


def two_routes(broken: Loading) -> tuple[Gateway, Loading]:
    whole = Loading()
    whole.go.set()
    gateway = Gateway(
        load([], {}).settings,
        [
            gateway_with_routes(scripted_engines(llm=engine), [(name, ())]).routes[0]
            for name, engine in (("broken", broken), ("whole", whole))
        ],
    )
    return gateway, whole


@pytest.mark.parametrize("error", [Unavailable("There are no weights."), OSError("weights for 'secret' not there")])
async def test_a_route_that_cannot_load_takes_no_other_with_it(
    error: Exception,
) -> None:
    broken = Loading(error)
    gateway, _ = two_routes(broken)
    with pytest.raises(Unavailable, match="`whole` is still loading") as refusal:
        gateway.admit("whole")
    assert refusal.value.retry_after == 1.0
    states = [gateway.state]
    broken.go.set()
    await gateway.warm_up()
    assert [served.state for served in gateway.routes] == ["failed", "ready"]
    assert [*states, gateway.state] == ["loading", "ready"]
    assert gateway.admit("whole").route.name == "whole"
    with pytest.raises(UpstreamError, match="`broken` cannot be served"):
        gateway.admit("broken")
    assert "secret" not in str(gateway.routes[0].failure)


async def test_all_routes_failed_is_failed() -> None:
    broken = Loading(Unavailable("There are no weights."))
    broken.go.set()
    gateway = gateway_with_routes(scripted_engines(llm=broken), [("a", ()), ("b", ())])
    await gateway.warm_up()
    assert gateway.state == "failed"


async def test_closing_closes_every_engine_once_even_if_one_fails() -> None:
    broken = Loading(RuntimeError("cannot close"))
    gateway, whole = two_routes(broken)
    with pytest.raises(RuntimeError, match="cannot close"):
        await gateway.aclose()
    assert (broken.closed, whole.closed) == (1, 1)


def test_models_are_found_by_name_alias_and_star() -> None:
    gateway = gateway_with_routes(scripted_engines(), [("a", ("x",)), ("b", ()), ("c", ("*",))])
    for served_route in gateway.routes:
        served_route.state = "ready"
    found = {name: gateway.admit(name).route.name for name in (None, "a", "x", "b", "anything")}
    assert found == {None: "a", "a": "a", "x": "a", "b": "b", "anything": "c"}
    with pytest.raises(UnknownModel, match="`anything`"):
        gateway_with_routes(scripted_engines(), [("a", ())]).admit("anything")


@pytest.mark.parametrize("flags", [("--voice", "nobody"), ("--voice", "de+nope"), ("--language", "xx")])
async def test_a_voice_or_language_of_the_settings_that_cannot_be_spoken_fails_the_route(
    flags: tuple[str, ...],
) -> None:
    gateway = gateway_of(scripted_engines(tts=Espeak(Espeak.Options())), *flags)
    await gateway.warm_up()
    assert gateway.state == "failed"
    assert repr(flags[1]) in (gateway.routes[0].failure or "")


async def test_a_route_is_ready_before_the_next_has_loaded() -> None:
    loading = asyncio.Event()

    class Slow(scripted.Scripted[Any, Any, Any]):
        async def warm_up(self) -> None:
            await loading.wait()

    quick, slow = (
        gateway_of(scripted_engines()),
        gateway_of(scripted_engines(llm=Slow(llm.Info(), scripted.answering()))),
    )
    gateway = Gateway(quick.settings, [*quick.routes, *slow.routes])
    warming = asyncio.create_task(gateway.warm_up())
    async with asyncio.timeout(5):
        while gateway.routes[0].state != "ready":
            await asyncio.sleep(0)
    assert gateway.routes[1].state == "loading"
    loading.set()
    await warming
    assert gateway.state == "ready"


async def test_a_language_that_the_recogniser_does_not_understand_fails_the_route() -> None:
    english = scripted.recogniser("hello")
    english.info = msgspec.structs.replace(english.info, languages=("en",))
    gateway = gateway_of(scripted_engines(stt=english), "--language", "de")
    await gateway.warm_up()
    assert gateway.routes[0].failure == "--stt pocketsphinx does not understand --language 'de', only en."

"""What Prometheus is told: turns, errors, use, stages and the state of engines, as they were over real sockets."""

import asyncio
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import UpstreamError
from gateway.engines.build import build
from gateway.engines.lifecycle import Gateway
from gateway.engines.queue import QueuedEngine, QueueLimits
from gateway.settings.load import load
from tests.support.chat_chunks import USAGE, delta
from tests.support.chat_client import ROUTE as CHAT
from tests.support.chat_client import asked as chat
from tests.support.http_client import ROUTE, form
from tests.support.metrics import Scrape, scrape
from tests.support.realtime_client import realtime
from tests.support.server import EMBEDDED, gateway_of, scripted_engines, served, until
from tests.support.upstream_server import UpstreamServer, in_order, replies, streams

README = Path(__file__).parents[4] / "gateway" / "telemetry" / "README.md"
ANSWER = streams(delta(content="Hi."), delta("stop"), {"choices": [], "usage": USAGE}, "[DONE]")
BROKEN = replies(500, {"error": {"message": "broken"}})


def remote(upstream: UpstreamServer, *flags: str) -> Gateway:
    """A gateway whose model is behind ``upstream``, with embedded recogniser and synthesiser."""
    flags = (f"--responses_api_base_url={upstream.base_url}", "--model_name=m", *flags)
    return build(load(["--llm_backend=chat-completions", *EMBEDDED, *flags], {}))


async def test_a_voice_turn_is_counted_with_what_it_used() -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        assert (await client.post(ROUTE, **form())).status_code == 200
        seen = await scrape(client)
    place, account = {"surface": "speech_to_speech", "route": "echo"}, {"route": "echo", "key": "anyone"}
    assert seen.value("turns_total", **place, key="anyone", outcome="completed") == 1
    assert seen.value("turns_total") == 1
    assert seen.value("turn_errors_total") == 0
    assert seen.value("turns_in_flight", **place) == 0
    assert seen.value("tokens_total", **account, purpose="answer", kind="output") == 2
    assert seen.value("heard_seconds_total", **account) > 1
    assert seen.value("spoken_seconds_total", **account) == seen.value("delivered_seconds_total", **account) > 0
    assert seen.value("characters_total", **account) == len("Hello there. How are you?") - 1
    for stage in ("stt", "llm_first_token", "first_clause", "tts_first_audio", "first_audio"):
        assert seen.value(f"{stage}_seconds_count", route="echo") == 1
    assert seen.value("turn_seconds_count", **place) == 1
    assert seen.value("answers_total", surface="speech_to_speech", status="200") == 1


async def test_tokens_that_no_server_counted_are_estimated_as_they_are_charged() -> None:
    async def uncounted(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="Eight by")
        yield llm.Finished(reason="stop", usage=None)

    engines = scripted_engines(llm=scripted.language_model(uncounted))
    async with served(gateway_of(engines)) as address, httpx.AsyncClient(base_url=address) as client:
        assert (await client.post(ROUTE, **form())).status_code == 200
        seen = await scrape(client)
        (used,) = (await client.get("/v1/usage")).json()["data"]
    told = {"route": "echo", "key": "anyone", "purpose": "answer"}
    assert seen.value("tokens_total", **told, kind="output") == used["output_tokens"] == 2
    assert seen.value("tokens_total", **told, kind="input") == used["input_tokens"] > 0


async def test_turns_that_fail_or_are_left_are_counted_as_such() -> None:
    async def failing(_request: llm.Request) -> Any:
        raise UpstreamError("It is broken.")
        yield

    model = scripted.language_model(failing)
    async with (
        served(gateway_of(scripted_engines(llm=model))) as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        assert (await client.post(CHAT, **chat())).status_code == 502
        model.script = scripted.answering("Hello.", pause=60)
        with pytest.raises(httpx.ReadTimeout):
            await client.post(CHAT, **chat(), timeout=0.2)
        seen = await scrape(client)
        while seen.value("turns_in_flight"):
            await asyncio.sleep(0.01)
            seen = await scrape(client)
    place = {"surface": "chat_completions", "route": "echo"}
    assert seen.value("turn_errors_total", **place, error="UpstreamError") == seen.value("turn_errors_total") == 1
    assert seen.value("turns_total", **place, outcome="failed") == 1
    assert seen.value("turns_total", **place, outcome="left") == 1
    assert seen.value("turn_seconds_count") == 0
    assert seen.value("answers_total", surface="chat_completions", status="502") == 1


async def test_turns_in_flight_and_the_queue_show_while_they_last() -> None:
    release = asyncio.Event()

    async def waiting(_request: llm.Request) -> Any:
        await release.wait()
        yield llm.TextDelta(text="Hello.")
        yield llm.Finished(reason="stop", usage=None)

    engine = scripted.language_model(waiting)
    engine.info = llm.Info(max_parallel=1)
    gateway = queued(engine)
    async with served(gateway) as address, httpx.AsyncClient(base_url=address) as client:
        turns = [asyncio.create_task(client.post(CHAT, **chat())) for _ in range(2)]
        queue: Any = gateway.routes[0].engines.llm
        await until(lambda: (queue.state.running, queue.state.waiting) == (1, 1))
        assert (await client.post(CHAT, **chat())).status_code == 503
        seen = await scrape(client)
        release.set()
        assert [(await turn).status_code for turn in turns] == [200, 200]
        after = await scrape(client)
    here = {"stage": "llm", "engine": "echo", "route": "echo"}
    assert seen.value("turns_in_flight", surface="chat_completions", route="echo") == 2
    states = [seen.value(f"engine_{name}", **here) for name in ("places", "running", "waiting", "refused_total")]
    assert states == [1, 1, 1, 1]
    assert after.value("turns_in_flight") == after.value("engine_running") == after.value("engine_waiting") == 0


def queued(engine: Any) -> Gateway:
    """A gateway whose model stands behind a queue of one."""
    return gateway_of(scripted_engines(llm=QueuedEngine("echo", engine, QueueLimits(length=1, seconds=60.0))))


async def test_retries_and_open_circuits_of_a_server_show() -> None:
    async with UpstreamServer() as upstream:
        gateway = remote(upstream, "--responses_api_max_retries=1")
        async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
            upstream.script = in_order([BROKEN, ANSWER])
            assert (await client.post(CHAT, **chat(stream=True))).status_code == 200
            once = await scrape(client)
            upstream.script = BROKEN
            for _ in range(5):  # a failure each, however often it is tried
                assert (await client.post(CHAT, **chat())).status_code >= 500
            broken = await scrape(client)
    here = {"stage": "llm", "engine": "chat-completions", "route": "m"}
    assert (once.value("upstream_retries_total", **here), once.value("circuits_open", **here)) == (1, 0)
    assert broken.value("upstream_retries_total", **here) > 2
    assert broken.value("circuits_open", **here) == 1


async def test_the_cache_of_speech_shows() -> None:
    gateway = build(load(["--llm_backend=echo", *EMBEDDED, "--speech_cache_mb=1"], {}))
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        for _ in range(2):
            said = {"model": "echo", "input": "Hello there.", "voice": "alloy"}
            assert (await client.post("/v1/audio/speech", json=said)).status_code == 200
        seen = await scrape(client)
    here = {"stage": "tts", "engine": "espeak", "route": "echo"}
    assert (seen.value("speech_cache_hits_total", **here), seen.value("speech_cache_misses_total", **here)) == (1, 1)
    assert seen.value("cached_characters_total", route="echo") == seen.value("characters_total", route="echo") / 2


async def test_what_clients_send_makes_no_series() -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        before = series(await scrape(client))
        for name in ("one", "two"):
            await client.get(f"/{name}")
            await client.post(CHAT, **chat(model=name))
            await client.get(f"/v1/models/{name}")
        once = series(await scrape(client))
        for name in ("three", "four", "five"):
            await client.get(f"/{name}")
            await client.post(CHAT, **chat(model=name))
            await client.get(f"/v1/models/{name}")
        assert series(await scrape(client)) == once > before


def series(seen: Scrape) -> int:
    return sum(len(family.samples) for name, family in seen.families.items() if name.startswith("speech_gateway_"))


async def test_the_table_of_metrics_is_what_there_is() -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        await client.post(ROUTE, **form())
        seen = await scrape(client)
    rows = re.findall(r"^\| `(speech_gateway_\w+)` \| (\w+) \| ([\w, ]*)\|", README.read_text(), flags=re.M)
    described = {name.removesuffix("_total"): (kind, kind == "counter", labels) for name, kind, labels in rows}
    families = {name: family for name, family in seen.families.items() if name.startswith("speech_gateway_")}
    assert {name: kind for name, (kind, _, _) in described.items()} == {
        name: family.type for name, family in families.items()
    }
    for name, family in families.items():
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(re.findall(r"\w+", described[name][2])), name


async def test_openmetrics_is_given_to_who_accepts_it() -> None:
    accepts = {"accept": "application/openmetrics-text; version=1.0.0"}
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        plain, open_metrics = await client.get("/metrics"), await client.get("/metrics", headers=accepts)
    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert open_metrics.text.endswith("# EOF\n")


async def test_sessions_are_counted_while_they_are_open() -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        async with realtime(address), realtime(address):
            assert (await scrape(client)).value("at_once", key="anyone", kind="sessions") == 2
        async with asyncio.timeout(10):
            while (await scrape(client)).value("at_once", key="everybody", kind="sessions"):
                await asyncio.sleep(0.02)

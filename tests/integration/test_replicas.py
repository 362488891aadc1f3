"""Two gateways behind a round-robin serve one conversation through Redis; one is killed, and nothing is lost."""

import asyncio
import itertools
import json
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.support.http_client import ROUTE, form
from tests.support.redis_server import redis_server
from tests.support.server import events_in
from tests.support.upstream_server import Exchange, UpstreamServer

LEASE_SECONDS = 2.0

COMMAND = (
    f"from gateway.conversation import redis_store; redis_store.LEASE_SECONDS = {LEASE_SECONDS}\n"
    "import sys; from gateway.cli.main import main; sys.exit(main())"
)
"""The gateway's command, but for how long the lease of one that was killed is waited for."""


class Model:
    """An upstream that numbers its answers by the questions it is shown, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[dict[str, Any]]] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def __call__(self, exchange: Exchange) -> None:
        messages = exchange.json["messages"]
        self.asked.append(messages)
        number = sum(message["role"] == "user" for message in messages)
        await exchange.start()
        await exchange.events({"choices": [{"index": 0, "delta": {"content": f"This is answer {number}. "}}]})
        await self.hold.wait()
        await exchange.events(
            {"choices": [{"index": 0, "delta": {"content": "Done."}, "finish_reason": "stop"}]}, "[DONE]"
        )
        await exchange.finish()


class Replica:
    """A gateway in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, client: httpx.AsyncClient) -> None:
        self.process = process
        self.client = client

    async def turn(self, **fields: str) -> dict[str, Any]:
        """The last event of a turn."""
        response = await self.client.post(ROUTE, **form(fields={"stream_format": "sse", **fields}))
        assert response.status_code == 200, response.text
        last = list(events_in(response.text))[-1]
        assert last["type"] == "speech.audio.done", last
        return last


@asynccontextmanager
async def replica(upstream: str, store: str) -> AsyncGenerator[Replica, None]:
    flags = ["--port", "0", "--llm_backend", "chat-completions", "--model_name", "m", "--stt", "none"]
    flags += ["--responses_api_base_url", upstream, "--responses_api_api_key", "k", "--conversation_store", store]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COMMAND, *flags, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            found = re.search(rb"http://127\.0\.0\.1:\d+", await process.stdout.readline())
            assert found is not None
            async with httpx.AsyncClient(base_url=found[0].decode(), timeout=60) as client:
                while (await client.get("/ready")).status_code != 200:
                    await asyncio.sleep(0.1)
                yield Replica(process, client)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def answers(messages: list[dict[str, Any]]) -> list[str]:
    """The numbers of the answers in a request, in their order."""
    return re.findall(r"answer (\d+)", json.dumps([m["content"] for m in messages if m["role"] == "assistant"]))


async def test_a_conversation_goes_on_when_one_of_two_gateways_is_killed() -> None:
    model = Model()
    with redis_server() as (store, _):
        async with UpstreamServer(model) as upstream, replica(upstream.base_url, store) as one:
            async with replica(upstream.base_url, store) as two:
                robin = itertools.cycle((one, two))
                await _alternating(robin, model)
                await _at_once(robin, model)
                await _one_killed(one, two, model)


async def _alternating(robin: Iterator[Replica], model: Model) -> None:
    """Turns go to one and the other in turn; each sees all that was before."""
    last = await next(robin).turn()
    for number in range(1, 5):
        by_id = (
            {"conversation": last["conversation_id"]} if number % 2 else {"previous_response_id": last["response_id"]}
        )
        last = await next(robin).turn(**by_id)
        assert answers(model.asked[-1]) == [str(before) for before in range(1, number + 1)]


async def _at_once(robin: Iterator[Replica], model: Model) -> None:
    """Turns that come to both at the same time are done one after the other."""
    model.asked.clear()
    await asyncio.gather(*(next(robin).turn(conversation="c") for _ in range(4)))
    assert [answers(messages) for messages in model.asked] == [[], ["1"], ["1", "2"], ["1", "2", "3"]]


async def _one_killed(one: Replica, two: Replica, model: Model) -> None:
    """The one is killed while it speaks: that turn is not kept, the conversation is, once the lease is over."""
    model.asked.clear()
    model.hold.clear()
    broken = asyncio.create_task(one.turn(conversation="c"))
    while not model.asked:
        await asyncio.sleep(0.01)
    one.process.kill()
    with pytest.raises((httpx.HTTPError, AssertionError)):
        await broken
    model.hold.set()
    last = await two.turn(conversation="c")
    assert answers(model.asked[-1]) == ["1", "2", "3", "4"]
    await two.turn(previous_response_id=last["response_id"])
    assert answers(model.asked[-1]) == ["1", "2", "3", "4", "5"]

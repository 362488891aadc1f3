"""Work ahead over real sockets: a client on one side, a model server on the other."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from adapters.llm.chat_completions.adapter import ChatCompletions
from adapters.upstream import UpstreamOptions
from tests.support.chat_chunks import USAGE, delta, tool
from tests.support.realtime_client import RealtimeClient, realtime, silence, spoken_question
from tests.support.server import gateway_of, scripted_engines, served, until
from tests.support.upstream_server import Exchange, Script, UpstreamServer

PAUSE = silence(0.3)
"""Longer than work ahead waits for, shorter than the end of a turn."""

TOOLS = [{"type": "function", "name": "unlock", "parameters": {"type": "object"}}]


async def answer(exchange: Exchange) -> None:
    """Say two sentences."""
    await exchange.start()
    await exchange.events(delta(content="Hello there. "), delta(content="How are you?"), delta("stop"))
    await exchange.events({"choices": [], "usage": USAGE}, "[DONE]")
    await exchange.finish()


class Stage:
    """A gateway whose model is at a server on the loopback, and a client of it."""

    def __init__(self, address: str, client: RealtimeClient, upstream: UpstreamServer, engines: Any) -> None:
        self.client = client
        self.engines = engines
        self._address = address
        self._upstream = upstream

    @property
    def asked(self) -> list[Exchange]:
        """What the model was asked."""
        return [exchange for exchange in self._upstream.exchanges if exchange.method == "POST"]

    async def use(self) -> dict[str, Any]:
        """What ``GET /v1/usage`` says."""
        async with httpx.AsyncClient(base_url=self._address, timeout=20) as client:
            (record,) = (await client.get("/v1/usage")).json()["data"]
            return dict(record)


@asynccontextmanager
async def staged(script: Script) -> AsyncGenerator[Stage, None]:
    """The model server plays ``script``; how far work goes ahead is not set."""

    async def serve(exchange: Exchange) -> None:
        if exchange.method == "GET":
            await exchange.reply(200, {"object": "list", "data": []})
        else:
            await script(exchange)

    async with UpstreamServer(serve) as upstream:
        model = ChatCompletions(UpstreamOptions(responses_api_base_url=upstream.base_url))
        engines = scripted_engines(llm=model)
        flags = ("--llm_backend", "chat-completions", "--responses_api_base_url", upstream.base_url)
        gateway = gateway_of(engines, *flags, "--model_name", "m")
        async with served(gateway) as address, realtime(address) as client:
            yield Stage(address, client, upstream, engines)


def visible(client: RealtimeClient) -> list[str]:
    """Everything that came of answers."""
    return [kind for kind in client.types() if kind.startswith("response.")]


async def test_the_same_words_are_answered_by_what_was_prepared() -> None:
    async with staged(answer) as stage:
        await stage.client.speak(spoken_question() + PAUSE)
        await until(lambda: stage.engines.tts.opened == 1)
        await stage.client.update()  # what came before it was read
        assert visible(stage.client) == []
        assert len(stage.asked) == 1
        await stage.client.speak(silence(0.5))
        done = await stage.client.until("response.done")
        assert done["response"]["status"] == "completed"
        assert done["response"]["output"][0]["content"][0]["transcript"] == "Hello there. How are you?"
        assert len(stage.client.audio()) > 10_000
        assert len(stage.asked) == 1, "the model is not asked again"
        used = await stage.use()
        assert used["speculative"]["turns"] == 0
        assert used["output_tokens"] == USAGE["completion_tokens"]


async def test_of_an_attempt_nothing_is_left_when_the_speaker_goes_on() -> None:
    begun = asyncio.Event()

    async def hesitating(exchange: Exchange) -> None:
        if begun.is_set():
            await answer(exchange)
            return
        await exchange.start()
        await exchange.events(delta(content="Well. That is "))
        begun.set()
        await exchange.until_left()

    async with staged(hesitating) as stage:
        await stage.client.speak(spoken_question() + PAUSE)
        await begun.wait()
        await stage.client.speak(spoken_question())
        (first,) = stage.asked
        await until(lambda: not first.is_open)
        await stage.client.speak(silence(0.8))
        done = await stage.client.until("response.done")
        assert done["response"]["output"][0]["content"][0]["transcript"] == "Hello there. How are you?"
        assert stage.client.types().count("response.created") == 1
        roles = [message["role"] for message in stage.asked[-1].json["messages"]]
        assert [role for role in roles if role != "system"] == ["user"], "what was thrown away is not remembered"
        await until_charged(stage)
        used = await stage.use()
        assert used["speculative"]["turns"] >= 1
        assert used["speculative"]["output_tokens"] >= 1
        assert used["output_tokens"] >= USAGE["completion_tokens"] + used["speculative"]["output_tokens"]


async def test_a_tool_that_an_attempt_calls_is_not_called() -> None:
    called = asyncio.Event()

    async def calling(exchange: Exchange) -> None:
        if called.is_set():
            await answer(exchange)
            return
        await exchange.start()
        await exchange.events(tool(0, "call_1", "unlock", "{}"), delta("tool_calls"))
        await exchange.events({"choices": [], "usage": USAGE}, "[DONE]")
        await exchange.finish()
        called.set()

    async with staged(calling) as stage:
        await stage.client.update(tools=TOOLS)
        await stage.client.speak(spoken_question() + PAUSE)
        await called.wait()
        await stage.client.speak(spoken_question() + silence(0.8))
        done = await stage.client.until("response.done")
        assert [item["type"] for item in done["response"]["output"]] == ["message"]
        assert not [kind for kind in stage.client.types() if "function_call" in kind]
        assert "unlock" not in str(stage.asked[-1].json["messages"])
        await until_charged(stage)
        assert (await stage.use())["speculative"]["output_tokens"] >= 1


async def until_charged(stage: Stage) -> None:
    """Wait until what was thrown away is in the list of use."""
    async with asyncio.timeout(10):
        while not (await stage.use())["speculative"]["turns"]:
            await asyncio.sleep(0.01)

"""The time limits of one attempt, over a real socket."""

import asyncio
from contextlib import aclosing

import pytest

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.contract.errors import TimedOut
from tests.support.upstream_client import END, FINISHED, NOTHING, ask, call, failure, say, then, upstream
from tests.support.upstream_server import Exchange, Script, UpstreamServer, hold


@pytest.mark.parametrize(
    ("script", "setting"),
    [
        (hold, "first_token_timeout"),
        (then(), "first_token_timeout"),
        (then(NOTHING), "first_token_timeout"),
        (then(say("a")), "gap_timeout"),
        (then(say("a")), "deadline"),
        (hold, "deadline"),
    ],
)
async def test_a_silent_server_is_given_up_and_the_setting_is_named(script: Script, setting: str) -> None:
    error = await failure(script, **{setting: 0.02})
    assert type(error) is TimedOut
    assert f"0.02 seconds (--responses_api_{setting})" in error.message


async def test_events_without_content_do_not_count_as_the_first_token() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        while exchange.is_open:
            await exchange.send(b": ping\n\n")
            await exchange.events(NOTHING)
            await asyncio.sleep(0.001)

    assert "first_token_timeout" in (await failure(script, first_token_timeout=0.05)).message


async def test_an_endless_answer_ends_at_the_deadline() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        while exchange.is_open:
            await exchange.events(say("a"))
            await asyncio.sleep(0.001)

    assert "deadline" in (await failure(script, deadline=0.05, gap_timeout=1)).message


async def test_a_slow_reader_does_not_count_as_silence_of_the_server() -> None:
    steps = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(say("a"))
        await steps.wait()
        await exchange.events(say("b"), END)
        await exchange.finish()

    async with UpstreamServer(script) as server, aclosing(upstream(server, gap_timeout=0.05)) as client:
        async with aclosing(client.stream(call(client))) as stream:
            assert [await anext(stream), await anext(stream)] == [Started(), llm.TextDelta(text="a")]
            await asyncio.sleep(0.1)  # longer than the server may be silent
            steps.set()
            assert [event async for event in stream] == [llm.TextDelta(text="b"), FINISHED]


async def test_a_whole_answer_may_take_longer_than_the_first_token() -> None:
    async def script(exchange: Exchange) -> None:
        await asyncio.sleep(0.05)
        await exchange.reply(200, [say("a"), END])

    async with (
        UpstreamServer(script) as server,
        aclosing(upstream(server, first_token_timeout=0.01, gap_timeout=0.01)) as client,
    ):
        assert await ask(client, stream=False) == ["a"]
        assert server.open_streams == 0

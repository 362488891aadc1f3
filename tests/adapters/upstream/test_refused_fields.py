"""What a server refuses is left out from then on, if it said so; what else goes wrong is raised as it was."""

from contextlib import aclosing
from typing import Any

import pytest

from adapters.contract.errors import InvalidRequest, Overloaded
from tests.support.upstream_client import END, ask, say, upstream
from tests.support.upstream_server import Script, UpstreamServer, in_order, replies, streams

ANSWER = streams(say("a"), END)
MESSAGES = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "reasoning_content": "hm"}]
GROQ = (
    "'messages.1' : for 'role:assistant' the following must be satisfied: property 'reasoning_content' is unsupported"
)


def refuses(message: str, status: int = 400) -> Script:
    return replies(status, {"error": {"message": message}})


def sent_back(server: UpstreamServer) -> list[bool]:
    """Of each request, whether it had the reasoning in its messages."""
    return ["reasoning_content" in exchange.json["messages"][1] for exchange in server.exchanges]


async def asked(server: UpstreamServer, count: int, **fields: Any) -> None:
    async with aclosing(upstream(server, max_retries=0)) as client:
        for _ in range(count):
            assert await ask(client, messages=MESSAGES, **fields) == ["a"]


@pytest.mark.parametrize(("words", "again"), [(GROQ, [True, False, False]), ("extra", [True, False, True, False])])
async def test_reasoning_that_is_refused_is_left_out_and_from_then_on_where_it_was_named(
    words: str, again: list[bool]
) -> None:
    answers = [refuses(words) if first else ANSWER for first in again]
    async with UpstreamServer(in_order(answers)) as server:
        await asked(server, 2)
        assert sent_back(server) == again


async def test_a_control_may_be_refused_and_the_reasoning_needed() -> None:
    missing = refuses("Missing `reasoning_content` field in the assistant message at message index 1.")
    async with UpstreamServer(in_order([refuses("extra"), missing, ANSWER, ANSWER])) as server:
        await asked(server, 2, reasoning_effort="low")
        assert sent_back(server) == [True, False, True, True]
        assert ["reasoning_effort" in exchange.json for exchange in server.exchanges] == [True, True, False, False]


async def test_both_may_be_refused() -> None:
    async with UpstreamServer(in_order([refuses(GROQ)] * 3 + [ANSWER, ANSWER])) as server:
        await asked(server, 2, reasoning_effort="low")
        assert sent_back(server) == [True, False, True, False, False]
        assert ["reasoning_effort" in exchange.json for exchange in server.exchanges][-2:] == [False, False]


async def test_what_a_server_says_that_needs_the_reasoning_is_the_first_refusal() -> None:
    script = in_order([refuses("top_k is unknown"), refuses("Missing `reasoning_content`"), ANSWER])
    async with UpstreamServer(script) as server, aclosing(upstream(server, max_retries=0)) as client:
        with pytest.raises(InvalidRequest, match="top_k is unknown"):
            await ask(client, messages=MESSAGES)
        assert await ask(client, messages=MESSAGES) == ["a"]
        assert sent_back(server) == [True, False, True]


async def test_another_failure_is_none_of_the_fields() -> None:
    async with UpstreamServer(refuses("later", 429)) as server, aclosing(upstream(server, max_retries=0)) as client:
        with pytest.raises(Overloaded):
            await ask(client, messages=MESSAGES, reasoning_effort="low")
        assert len(server.exchanges) == 1

from typing import Any

import pytest
from openai.types import ModerationCreateResponse

from adapters.contract import guard
from adapters.contract.errors import AdapterError, Unavailable
from adapters.guards.moderations.adapter import Moderations
from adapters.options import BadOption, Secret
from tests.support.moderations_server import moderating, moderation
from tests.support.upstream_server import UpstreamServer, in_order, replies


async def checked(server: UpstreamServer, text: str, before: str = "", **options: Any) -> guard.Verdict:
    tested = Moderations(Moderations.Options(base_url=server.base_url, **options))
    try:
        return await tested.check(guard.Request(text=text, before=before))
    finally:
        await tested.aclose()


async def test_the_server_is_asked_with_the_text_before() -> None:
    async with UpstreamServer(moderating("bad word")) as server:
        verdict = await checked(server, " word", before="A bad", api_key=Secret("sk-own"), model="mine")
    assert verdict == guard.Verdict(flagged=True, categories=("violence",))
    [exchange] = server.exchanges
    assert (exchange.method, exchange.path) == ("POST", "/v1/moderations")
    assert exchange.json == {"model": "mine", "input": "A bad word"}
    assert exchange.headers["authorization"] == "Bearer sk-own"


async def test_no_model_is_sent_when_it_is_empty() -> None:
    async with UpstreamServer(moderating("bad")) as server:
        await checked(server, "good", model="")
    assert server.exchanges[0].json == {"input": "good"}


async def test_a_server_that_fails_once_is_asked_again() -> None:
    async with UpstreamServer(in_order([replies(503, {}, retry_after_ms="1"), replies(200, moderation())])) as server:
        assert not (await checked(server, "good")).flagged
    assert len(server.exchanges) == 2


async def test_failures_are_errors_of_the_contract() -> None:
    async with UpstreamServer(replies(401, {"error": {"message": "the key sk-own is wrong"}})) as server:
        with pytest.raises(AdapterError) as caught:
            await checked(server, "good", api_key=Secret("sk-own-secret"))
    assert "sk-own-secret" not in str(caught.value)
    gone = Moderations(Moderations.Options(base_url="http://127.0.0.1:1/v1"))
    with pytest.raises(Unavailable):
        await gone.check(guard.Request(text="good"))
    await gone.aclose()


def test_openai_needs_a_key() -> None:
    with pytest.raises(BadOption, match="needs an API key"):
        Moderations(Moderations.Options())


def test_the_mock_answers_as_openai_does() -> None:
    ModerationCreateResponse.model_validate(moderation("violence"))

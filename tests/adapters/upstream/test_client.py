"""The requests that the client sends, and its retries."""

import asyncio
import gzip
import logging
import tracemalloc
from contextlib import AsyncExitStack, aclosing

import msgspec
import pytest

from adapters.contract.checks import read
from adapters.contract.engine import Started
from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    Overloaded,
    TimedOut,
    TooLong,
    Unavailable,
    UpstreamError,
)
from adapters.options import BadOption, Secret
from adapters.upstream import UpstreamClient, UpstreamOptions
from tests.support.upstream_client import END, KEY, ask, call, say, upstream
from tests.support.upstream_server import Exchange, Script, UpstreamServer, hold, in_order, replies, streams

ANSWER = streams(say("a"), END)
REFUSAL = replies(400, {"error": {"message": "reasoning_effort 'none' is not supported"}})


async def cut(exchange: Exchange) -> None:
    exchange.cut()


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.upstream.retries._FIRST_DELAY", 0.0)


@pytest.mark.parametrize("base_url", [None, "", "https://api.openai.com/v1", "https://eu.api.openai.com/v1"])
@pytest.mark.parametrize("key", [None, Secret("")])
def test_openai_needs_a_key(base_url: str | None, key: Secret | None) -> None:
    with pytest.raises(BadOption, match=r"--responses_api_api_key or OPENAI_API_KEY"):
        UpstreamClient("responses-api", UpstreamOptions(responses_api_base_url=base_url, responses_api_api_key=key))


@pytest.mark.parametrize(
    "base_url",
    [
        "localhost:8000/v1",
        "ftp://host/v1",
        "http://",
        "/v1",
        "http://[::1/v1",
        "http://xn--/v1",
        "http://h:99999/v1",
        "http://h:0",
    ],
)
def test_a_base_url_that_cannot_work_is_refused(base_url: str) -> None:
    with pytest.raises(BadOption, match="responses_api_base_url"):
        upstream(base_url)


def test_a_refused_base_url_is_shown_without_its_password() -> None:
    with pytest.raises(BadOption) as caught:
        upstream("ftp://user:hidden@host/v1")
    assert "hidden" not in str(caught.value)
    assert "ftp://***@host/v1" in str(caught.value)


@pytest.mark.parametrize("key", ["two words", "line\n", "schlüssel-privat"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(BadOption) as caught:
        upstream("http://localhost:1/v1", Secret(key))
    assert key not in str(caught.value)


def test_only_openais_own_hosts_are_openai() -> None:
    assert UpstreamClient("x", UpstreamOptions(responses_api_api_key=KEY)).is_openai
    assert not upstream("http://api.openai.com.example.org/v1").is_openai
    assert not upstream("http://notapi.openai.com/v1").is_openai


async def test_the_request_carries_the_key_and_the_body() -> None:
    async with UpstreamServer(ANSWER) as server, aclosing(upstream(server)) as client:
        assert await ask(client, text="grüße") == ["a"]
        (exchange,) = server.exchanges
        assert (exchange.method, exchange.path) == ("POST", "/v1/x")
        assert exchange.headers["authorization"] == f"Bearer {KEY.reveal()}"
        assert exchange.headers["accept"] == "text/event-stream"
        assert exchange.json == {"model": "m", "stream": True, "text": "grüße"}


@pytest.mark.parametrize("key", [None, Secret("")])
async def test_no_key_sends_no_authorization(key: Secret | None) -> None:
    async with UpstreamServer(ANSWER) as server, aclosing(upstream(server, key)) as client:
        await ask(client)
        assert "authorization" not in server.exchanges[0].headers


async def test_a_password_in_the_base_url_goes_into_a_header_and_takes_the_place_of_the_key() -> None:
    async with UpstreamServer(ANSWER) as server:
        async with aclosing(upstream(server.base_url.replace("http://", "http://user:p%40ss@"))) as client:
            assert await ask(client) == ["a"]
        (exchange,) = server.exchanges
        assert exchange.path == "/v1/x"
        assert exchange.headers["authorization"] == "Basic dXNlcjpwQHNz"
        assert exchange.headers["host"] == server.base_url.removeprefix("http://").removesuffix("/v1")


async def test_a_cookie_of_a_server_is_not_sent_back() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start(set_cookie="session=1; Path=/")
        await exchange.events(say("a"), END)
        await exchange.finish()

    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        assert [await ask(client), await ask(client)] == [["a"], ["a"]]
        assert not any("cookie" in exchange.headers for exchange in server.exchanges)


async def test_a_base_url_keeps_its_query_and_its_last_slash_does_not_matter() -> None:
    async with UpstreamServer(ANSWER) as server, aclosing(upstream(server.base_url + "/?version=2")) as client:
        await ask(client)
        assert server.exchanges[0].path == "/v1/x?version=2"


async def test_nothing_is_sent_before_the_answer_is_read() -> None:
    async with UpstreamServer(ANSWER) as server, aclosing(upstream(server)) as client:
        await client.stream(call(client)).aclose()
        assert server.connections == 0


async def test_many_streams_are_open_at_once() -> None:
    everybody = asyncio.Barrier(150)

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await everybody.wait()
        await exchange.events(say("a"), END)
        await exchange.finish()

    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        assert await asyncio.gather(*(ask(client) for _ in range(150))) == [["a"]] * 150


@pytest.mark.parametrize(
    "first",
    [
        cut,
        replies(429, {}),
        replies(503, {}),
        replies(429, {}, retry_after_ms="1"),
        replies(408, {}),
        replies(409, {}),
        replies(500, {}),
        replies(502, b"<html>", "text/html"),
        replies(504, {}),
        replies(520, {}),
        streams({"role": "assistant"}, {"error": {"message": "boom", "type": "server_error"}}),
        streams({"role": "assistant"}, {"error": {"message": "busy", "code": 503}}),
    ],
)
async def test_failures_before_the_first_content_are_retried(first: Script) -> None:
    async with UpstreamServer(in_order([first, first, ANSWER])) as server, aclosing(upstream(server)) as client:
        assert await ask(client) == ["a"]
        assert len(server.exchanges) == 3


async def test_a_timeout_before_the_first_content_is_retried() -> None:
    script = in_order([hold, ANSWER])
    async with UpstreamServer(script) as server, aclosing(upstream(server, first_token_timeout=0.05)) as client:
        assert await ask(client) == ["a"]
        assert server.open_streams == 0


@pytest.mark.parametrize("retries", [0, 1, 2])
async def test_after_the_last_retry_the_error_is_raised(retries: int) -> None:
    async with UpstreamServer(replies(503, {})) as server, aclosing(upstream(server, max_retries=retries)) as client:
        with pytest.raises(Unavailable):
            await ask(client)
        assert len(server.exchanges) == retries + 1


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (replies(400, {}), InvalidRequest),
        (replies(401, {}), UpstreamError),
        (replies(500, {}, x_should_retry="false"), UpstreamError),
        (replies(429, {"error": {"code": "insufficient_quota"}}), UpstreamError),
        (streams(say("a"), {"error": {"code": 503}}), Unavailable),
    ],
)
async def test_failures_that_are_not_retried(script: Script, kind: type[AdapterError]) -> None:
    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        with pytest.raises(kind):
            await ask(client)
        assert len(server.exchanges) == 1


async def test_a_long_retry_after_is_not_waited_for() -> None:
    async with UpstreamServer(replies(429, {}, retry_after="11")) as server, aclosing(upstream(server)) as client:
        with pytest.raises(Overloaded) as caught:
            await ask(client)
        assert (caught.value.retry_after, len(server.exchanges)) == (11.0, 1)


async def test_no_retry_after_the_deadline() -> None:
    script = replies(429, {}, retry_after="2")
    async with UpstreamServer(script) as server, aclosing(upstream(server, deadline=1)) as client:
        with pytest.raises(Overloaded):
            await ask(client)
        assert len(server.exchanges) == 1


async def test_the_deadline_is_one_for_all_attempts() -> None:
    script = in_order([cut, hold])
    async with UpstreamServer(script) as server, aclosing(upstream(server, deadline=0.4, max_retries=5)) as client:
        with pytest.raises(TimedOut, match="deadline"):
            await ask(client)
        assert len(server.exchanges) == 2


async def test_a_refused_control_is_left_out_from_then_on(caplog: pytest.LogCaptureFixture) -> None:
    script = in_order([REFUSAL, ANSWER, ANSWER, ANSWER])
    async with UpstreamServer(script) as server, aclosing(upstream(server, max_retries=0)) as client:
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                assert await ask(client, reasoning_effort="none", top_p=1) == ["a"]
            assert await ask(client, model="other", reasoning_effort="none") == ["a"]
        sent = [exchange.json for exchange in server.exchanges]
        assert ["reasoning_effort" in body for body in sent] == [True, False, False, True]
        assert [body.get("top_p") for body in sent] == [1, 1, 1, None]
    (record,) = caplog.records
    assert "reasoning_effort" in record.getMessage()


@pytest.mark.parametrize("control", ["reasoning", "chat_template_kwargs"])
async def test_every_control_and_both_statuses(control: str) -> None:
    script = in_order([replies(422, {"detail": "extra fields not permitted"}), ANSWER])
    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        assert await ask(client, **{control: {"x": 1}}) == ["a"]
        assert control not in server.exchanges[1].json


async def test_a_refusal_that_remains_is_reported_and_not_remembered() -> None:
    last = replies(400, {"error": {"message": "top_k is unknown"}})
    async with UpstreamServer(in_order([REFUSAL, last, ANSWER])) as server, aclosing(upstream(server)) as client:
        with pytest.raises(InvalidRequest, match="top_k is unknown"):
            await ask(client, reasoning_effort="none")
        assert await ask(client, reasoning_effort="none") == ["a"]
        assert "reasoning_effort" in server.exchanges[2].json


async def test_a_refusal_of_something_else_is_not_taken_for_the_control() -> None:
    script = replies(400, {"error": {"message": "too much", "code": "context_length_exceeded"}})
    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        with pytest.raises(TooLong):
            await ask(client, reasoning_effort="none")
        assert len(server.exchanges) == 1


async def test_repeated_failures_open_the_circuit() -> None:
    async with UpstreamServer(replies(500, {})) as server, aclosing(upstream(server, max_retries=0)) as client:
        for _ in range(5):
            with pytest.raises(UpstreamError):
                await ask(client)
        with pytest.raises(Unavailable) as caught:
            await ask(client)
        assert 0 < (caught.value.retry_after or 0) <= 10
        assert len(server.exchanges) == 5
        other = msgspec.structs.replace(call(client), body=call(client).body | {"model": "other"})
        with pytest.raises(UpstreamError):  # another model of the same server may be well: it is asked
            await read(client.stream(other))
        client._breaker(call(client).body)._probe_at = 0.0  # ten seconds later
        server.script = ANSWER
        assert [await ask(client), await ask(client)] == [["a"], ["a"]]


async def test_a_circuit_that_opens_between_two_attempts_leaves_the_error_of_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("adapters.upstream.client.retry_delay", lambda _error, _repetition: 1.0)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(UpstreamServer(replies(500, {})))
        client = await stack.enter_async_context(aclosing(upstream(server, max_retries=9)))
        others = await stack.enter_async_context(aclosing(upstream(server, max_retries=0)))
        asking = asyncio.create_task(ask(client))
        while not server.exchanges:
            await asyncio.sleep(0)
        for _ in range(5):
            with pytest.raises(UpstreamError):
                await ask(others)
        with pytest.raises(UpstreamError, match="status 500"):
            await asking
        assert len(server.exchanges) < 5 + 10
        with pytest.raises(Unavailable, match="disabled"):
            await ask(client)


async def test_callers_that_leave_while_it_is_tried_again_count() -> None:
    async with UpstreamServer(replies(500, {})) as server, aclosing(upstream(server, max_retries=9)) as client:
        for _ in range(5):
            before = client.state.retries
            asking = asyncio.create_task(ask(client))
            while client.state.retries == before:
                await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        with pytest.raises(Unavailable, match="disabled"):
            await ask(client)


async def test_a_request_that_a_server_always_fails_at_does_not_close_it_to_others() -> None:
    async with UpstreamServer(replies(500, {})) as server, aclosing(upstream(server, max_retries=2)) as client:
        for _ in range(2):
            with pytest.raises(UpstreamError, match="status 500"):
                await ask(client)
        assert len(server.exchanges) == 6
        server.script = ANSWER
        assert await ask(client) == ["a"]


@pytest.mark.parametrize("script", [replies(400, {}), replies(401, {}), replies(429, {}), streams(say("a"))])
async def test_refusals_and_incomplete_answers_do_not_open_the_circuit(script: Script) -> None:
    async with UpstreamServer(script) as server, aclosing(upstream(server, max_retries=0)) as client:
        for _ in range(7):
            with pytest.raises(AdapterError):
                await ask(client)
        assert len(server.exchanges) == 7


async def test_closing_the_client_ends_a_wait_for_the_next_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.upstream.client.retry_delay", lambda *_: 0.01)
    async with UpstreamServer(replies(503, {})) as server, aclosing(upstream(server)) as client:
        reader = asyncio.create_task(read(client.stream(call(client))))
        while not server.exchanges:
            await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises(Unavailable):
            await reader


async def test_ignored_parameters_are_named_first() -> None:
    async with UpstreamServer(ANSWER) as server, aclosing(upstream(server)) as client:
        asked = msgspec.structs.replace(call(client), ignored=("seed",))
        assert (await read(client.stream(asked)))[0] == Started(ignored=("seed",))


async def test_warming_up_without_a_server_only_warns(caplog: pytest.LogCaptureFixture) -> None:
    async with UpstreamServer() as server:
        base_url = server.base_url
    async with aclosing(upstream(base_url.replace("http://", "http://user:hidden@"), max_retries=0)) as client:
        with caplog.at_level(logging.WARNING):
            await client.warm_up()
        (record,) = caplog.records
        assert base_url in record.getMessage()
        assert "hidden" not in record.getMessage()
        with pytest.raises(Unavailable):
            await ask(client)


@pytest.mark.parametrize("models", [replies(200, {"data": []}), replies(404, {"detail": "Not Found"})])
async def test_warming_up_opens_the_connection_of_the_next_request(
    models: Script, caplog: pytest.LogCaptureFixture
) -> None:
    async with UpstreamServer(in_order([models, ANSWER])) as server, aclosing(upstream(server)) as client:
        with caplog.at_level(logging.WARNING):
            await client.warm_up()
        await ask(client)
        warm_up = server.exchanges[0]
        assert (warm_up.method, warm_up.path, warm_up.body) == ("GET", "/v1/models", b"")
        assert server.connections == 1
        assert not caplog.records


async def test_warming_up_warns_of_a_refused_key(caplog: pytest.LogCaptureFixture) -> None:
    async with UpstreamServer(replies(401, {})) as server, aclosing(upstream(server)) as client:
        with caplog.at_level(logging.WARNING):
            await client.warm_up()
        assert "refused the gateway's credentials" in caplog.text
        assert KEY.reveal() not in caplog.text


async def test_warming_up_reads_a_list_of_models_only_in_part() -> None:
    sent = 0

    async def endless(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.start(content_type="application/json")
        while exchange.is_open:
            await exchange.send(b"x" * 100_000)
            sent += 100_000

    async with UpstreamServer(endless) as server, aclosing(upstream(server)) as client:
        await client.warm_up()
        assert server.open_streams == 0
        assert 4_000_000 < sent < 30_000_000  # with what the kernel buffers


async def test_warming_up_does_not_decompress() -> None:
    bomb = gzip.compress(gzip.compress(b"x" * 20_000_000))
    async with (
        UpstreamServer(replies(200, bomb, content_encoding="gzip, gzip")) as server,
        aclosing(upstream(server)) as client,
    ):
        tracemalloc.start()
        try:
            await client.warm_up()
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
        finally:
            tracemalloc.stop()
        assert server.exchanges[0].headers["accept-encoding"] == "identity"


async def test_warming_up_names_a_redirect(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        UpstreamServer(replies(301, b"", location="/v2/models\u202e")) as server,
        aclosing(upstream(server)) as client,
    ):
        await client.warm_up()
        assert f"redirects to {server.base_url.removesuffix('/v1')}/v2/models" in caplog.text
        assert "\u202e" not in caplog.text


async def test_warming_up_has_a_time_limit(caplog: pytest.LogCaptureFixture) -> None:
    async with UpstreamServer(hold) as server, aclosing(upstream(server, connect_timeout=0.02)) as client:
        await client.warm_up()
        assert "accepted no connection within 0.02 seconds" in caplog.text
        assert server.open_streams == 0

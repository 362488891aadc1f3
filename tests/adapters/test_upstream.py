import asyncio
import logging
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import AdapterError, InvalidRequest, Overloaded, TimedOut, Unavailable, UpstreamError
from adapters.options import BadOption, Secret, decode_option
from adapters.upstream import Upstream, UpstreamOptions
from tests.adapters.upstream_server import Exchange, Script, UpstreamServer, hold, of, replies, sse, streams

KEY = Secret("test-key-123456")


def upstream(server: UpstreamServer | str, key: Secret | None = KEY) -> Upstream:
    base_url = server if isinstance(server, str) else server.base_url
    return Upstream("chat-completions", UpstreamOptions(responses_api_base_url=base_url, responses_api_api_key=key))


async def events(client: Upstream, body: dict[str, Any] | None = None) -> list[bytes]:
    async with client.post("/x", body or {"stream": True}) as answer:
        received = [event.data async for event in answer]
        await answer.finish()
        return received


async def failure(script: Script, body: dict[str, Any] | None = None) -> AdapterError:
    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        with pytest.raises(AdapterError) as caught:
            await events(client, body)
        assert server.open_streams == 0
    assert caught.value.adapter == "chat-completions"
    return caught.value


@pytest.mark.parametrize("base_url", [None, "", "https://api.openai.com/v1", "https://eu.api.openai.com/v1"])
@pytest.mark.parametrize("key", [None, Secret("")])
def test_openai_needs_a_key(base_url: str | None, key: Secret | None) -> None:
    with pytest.raises(BadOption, match=r"--responses_api_api_key or OPENAI_API_KEY"):
        Upstream("responses-api", UpstreamOptions(responses_api_base_url=base_url, responses_api_api_key=key))


@pytest.mark.parametrize("base_url", ["localhost:8000/v1", "ftp://host/v1", "http://", "/v1", "http://[::1/v1"])
def test_a_base_url_that_cannot_work_is_refused(base_url: str) -> None:
    with pytest.raises(BadOption, match="responses_api_base_url"):
        upstream(base_url)


@pytest.mark.parametrize("key", ["two words", "line\n", "schlüssel-privat"])
def test_a_key_that_no_header_takes_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(BadOption) as caught:
        upstream("http://localhost:1/v1", Secret(key))
    assert key not in str(caught.value)


def test_only_openais_own_hosts_are_openai() -> None:
    assert Upstream("x", UpstreamOptions(responses_api_api_key=KEY)).is_openai
    assert not upstream("http://api.openai.com.example.org/v1").is_openai
    assert not upstream("http://notapi.openai.com/v1").is_openai


def test_options_are_checked_and_read_from_plain_values() -> None:
    def read(**given: Any) -> UpstreamOptions:
        return msgspec.convert(given, UpstreamOptions, dec_hook=decode_option)

    assert read(responses_api_api_key="k", responses_api_stop=["a"]).responses_api_stop == ("a",)
    assert "secret" not in repr(read(responses_api_api_key="secret"))
    for field, value in {"temperature": 3, "top_p": 1.5, "presence_penalty": -3, "max_output_tokens": 0}.items():
        with pytest.raises(msgspec.ValidationError):
            read(**{f"responses_api_{field}": value})


def test_every_option_is_described() -> None:
    for field in msgspec.inspect.type_info(UpstreamOptions).fields:  # type: ignore[attr-defined]
        assert isinstance(field.type, msgspec.inspect.Metadata), field.name
        assert (field.type.extra_json_schema or {}).get("description"), field.name


def test_the_requests_sampling_wins_over_the_options() -> None:
    options = UpstreamOptions(responses_api_temperature=0.5, responses_api_seed=1)
    assert options.sampling(llm.Sampling(temperature=0.0)) == llm.Sampling(temperature=0.0, seed=1)


async def test_the_request_carries_the_key_and_the_body() -> None:
    async with UpstreamServer(streams({"a": 1}, "[DONE]")) as server, aclosing(upstream(server)) as client:
        assert await events(client, {"stream": True, "text": "grüße"}) == [b'{"a":1}']
        (exchange,) = server.exchanges
        assert (exchange.method, exchange.path) == ("POST", "/v1/x")
        assert exchange.headers["authorization"] == f"Bearer {KEY.reveal()}"
        assert exchange.json == {"stream": True, "text": "grüße"}


async def test_an_empty_key_sends_no_authorization() -> None:
    async with UpstreamServer(streams("[DONE]")) as server, aclosing(upstream(server, Secret(""))) as client:
        await events(client)
        assert "authorization" not in server.exchanges[0].headers


async def test_a_base_url_keeps_its_query_and_its_last_slash_does_not_matter() -> None:
    async with (
        UpstreamServer(streams("[DONE]")) as server,
        aclosing(upstream(server.base_url + "/?version=2")) as client,
    ):
        await events(client)
        assert server.exchanges[0].path == "/v1/x?version=2"


async def test_a_complete_answer_leaves_its_connection_for_the_next() -> None:
    whole = replies(200, {"ok": True})
    script = of([streams(1, "[DONE]"), streams(2), whole, streams(3, "[DONE]")])
    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        assert await events(client) == [b"1"]
        assert await events(client) == [b"2"]
        async with client.post("/x", {"stream": False}) as answer:
            assert await answer.whole() == b'{"ok":true}'
            await answer.finish()
        assert await events(client) == [b"3"]
        assert server.connections == 1


async def test_a_server_that_never_ends_its_answer_is_not_waited_for() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(1, "[DONE]")
        await exchange.until_left()

    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        assert await events(client) == [b"1"]
        assert server.open_streams == 0


async def test_leaving_in_the_middle_has_closed_the_connection() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(1, 2)
        await exchange.until_left()

    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        async with client.post("/x", {"stream": True}) as answer:
            assert (await anext(answer)).data == b"1"
            assert server.open_streams == 1
        assert server.open_streams == 0


@pytest.mark.parametrize("headers_sent", [False, True])
async def test_cancelling_a_silent_server_has_closed_the_connection(headers_sent: bool) -> None:
    asked = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if headers_sent:
            await exchange.start()
        asked.set()
        await exchange.until_left()

    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        reader = asyncio.create_task(events(client))
        await asked.wait()
        for _ in range(10):  # let the reader get as far as it can
            await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert server.open_streams == 0


async def test_many_streams_are_open_at_once() -> None:
    everybody = asyncio.Barrier(150)

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await everybody.wait()
        await exchange.events(1)
        await exchange.finish()

    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        answers = await asyncio.gather(*(events(client) for _ in range(150)))
        assert answers == [[b"1"]] * 150


async def test_bytes_cut_anywhere_are_the_same_events() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        for byte in b": ping\r\n\r\n" + sse("é🎉") + b"data: last":
            await exchange.send(bytes([byte]))
        await exchange.finish()

    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        assert await events(client) == ["é🎉".encode(), b"last"]


async def test_an_error_status_is_typed_and_says_when_to_come_back() -> None:
    found = await failure(replies(429, {"error": {"message": "slow"}}, retry_after="7"))
    assert (type(found), found.retry_after) == (Overloaded, 7.0)
    assert type(await failure(replies(400, {"error": {"message": "no"}}))) is InvalidRequest
    assert type(await failure(replies(401, b"<html>", "text/html"))) is UpstreamError


async def test_an_error_body_without_end_is_read_in_part() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start(400, "application/json")
        while exchange.is_open:
            await exchange.send(b" " * 10_000)

    assert type(await failure(script)) is InvalidRequest


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        ({"id": "x"}, "application/json", UpstreamError),
        (b"<html>sign in</html>", "text/html", UpstreamError),
        ({"error": {"message": "busy", "code": 503}}, "application/json; charset=utf-8", Unavailable),
    ],
)
async def test_another_kind_of_answer_than_a_stream_is_refused(
    body: Any, content_type: str, error: type[AdapterError]
) -> None:
    assert type(await failure(replies(200, body, content_type))) is error


async def test_a_redirect_is_not_followed_and_a_whole_answer_must_be_json() -> None:
    assert type(await failure(replies(200, b"x", "text/plain"), {"stream": False})) is UpstreamError
    assert type(await failure(replies(307, b"", location="http://127.0.0.1:1/"))) is UpstreamError


async def test_a_connection_cut_in_the_middle_is_an_error_of_the_upstream() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(1)
        exchange.cut()

    assert type(await failure(script)) is UpstreamError


async def test_a_connection_closed_without_an_answer_may_be_tried_again() -> None:
    async def script(exchange: Exchange) -> None:
        exchange.cut()

    assert type(await failure(script)) is Unavailable


async def test_an_event_without_end_is_refused() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.start()
        while exchange.is_open:
            await exchange.send(b"x" * 500_000)

    assert type(await failure(script)) is UpstreamError


async def test_silence_is_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.upstream._GAP_SECONDS", 0.02)

    async def silent_after_headers(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.until_left()

    assert type(await failure(hold)) is TimedOut
    assert type(await failure(silent_after_headers)) is TimedOut


async def test_a_server_that_is_not_there_is_unavailable_and_warming_up_only_warns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with UpstreamServer() as server:
        base_url = server.base_url
    async with aclosing(upstream(base_url.replace("http://", "http://user:hidden@"))) as client:
        with caplog.at_level(logging.WARNING):
            await client.warm_up()
        (record,) = caplog.records
        assert base_url in record.getMessage()
        assert "hidden" not in record.getMessage()
        with pytest.raises(Unavailable) as caught:
            await events(client)
        assert type(caught.value) is Unavailable


async def test_warming_up_opens_the_connection_that_is_used_next(caplog: pytest.LogCaptureFixture) -> None:
    script = of([replies(404, {"detail": "Not Found"}), streams("[DONE]")])
    async with UpstreamServer(script) as server, aclosing(upstream(server)) as client:
        with caplog.at_level(logging.WARNING):
            await client.warm_up()
        await events(client)
        assert server.exchanges[0].path == "/v1/models"
        assert server.connections == 1
        assert not caplog.records


async def test_warming_up_warns_of_a_refused_key(caplog: pytest.LogCaptureFixture) -> None:
    async with UpstreamServer(replies(401, {})) as server, aclosing(upstream(server)) as client:
        with caplog.at_level(logging.WARNING):
            await client.warm_up()
        assert "refuses the API key" in caplog.text
        assert KEY.reveal() not in caplog.text

"""A collector on a real socket gets a span a turn and a span a stage, and the measures that the conventions ask for."""

import logging
import sys
from typing import Any

import httpx
import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import UpstreamError
from adapters.options import BadOption
from gateway.app import create_app
from gateway.engines.build import build
from gateway.settings.load import load
from tests.support.chat_chunks import USAGE, delta
from tests.support.chat_client import ROUTE as CHAT
from tests.support.chat_client import asked as chat
from tests.support.http_client import ROUTE, form
from tests.support.otlp_receiver import OtlpReceiver, attributes
from tests.support.server import EMBEDDED, gateway_of, scripted_engines, served
from tests.support.upstream_server import UpstreamServer, streams

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ANSWER = streams(delta(content="Hi."), delta("stop"), {"choices": [], "usage": USAGE}, "[DONE]")


async def exported(request: dict[str, Any], route: str = ROUTE, **engines: Any) -> OtlpReceiver:
    """What the collector has after one request to a gateway that then ended."""
    async with OtlpReceiver() as receiver:
        gateway = gateway_of(scripted_engines(**engines), f"--otel_endpoint={receiver.endpoint}")
        async with served(gateway) as address, httpx.AsyncClient(base_url=address) as client:
            await client.post(route, **request)
    return receiver


async def test_a_voice_turn_is_a_trace() -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine"}
    receiver = await exported({**form(fields={"conversation": "kitchen"}), "headers": headers})
    spans = receiver.spans()
    turn, stt, model, tts = (spans[name] for name in ("turn echo", "stt", "chat echo", "tts"))
    assert len(spans) == 4
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    assert turn.parent_span_id.hex() == PARENT
    assert {span.parent_span_id for span in (stt, model, tts)} == {turn.span_id}
    assert turn.start_time_unix_nano == stt.start_time_unix_nano < stt.end_time_unix_nano
    assert stt.end_time_unix_nano == pytest.approx(model.start_time_unix_nano, abs=1000)
    assert model.start_time_unix_nano < tts.start_time_unix_nano < tts.end_time_unix_nano <= turn.end_time_unix_nano
    about = attributes(turn.attributes)
    assert about.pop("speech_gateway.turn_id").startswith("resp_")
    assert about == {
        "speech_gateway.surface": "speech_to_speech",
        "speech_gateway.route": "echo",
        "speech_gateway.key": "anyone",
        "speech_gateway.request_id": "mine",
        "speech_gateway.reason": "stop",
    }
    answered = attributes(model.attributes)
    assert answered.pop("gen_ai.response.time_to_first_chunk") > 0
    assert answered == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "echo",
        "gen_ai.request.model": "echo",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.conversation.id": "kitchen",
        "gen_ai.usage.input_tokens": 1,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
    }
    assert attributes(tts.attributes)["speech_gateway.characters"] > 0
    assert receiver.services() == {"speech-gateway"}


async def test_it_is_measured_as_the_conventions_ask() -> None:
    measured = (await exported(form())).measured()
    model = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "echo", "gen_ai.request.model": "echo"}
    tokens = {series["gen_ai.token.type"]: total for series, total in measured["gen_ai.client.token.usage"]}
    assert tokens == {"input": 1, "output": 2}
    for name in ("gen_ai.client.operation.duration", "gen_ai.client.operation.time_to_first_chunk"):
        assert [series for series, _ in measured[name]] == [model]
    place = {"speech_gateway.surface": "speech_to_speech", "speech_gateway.route": "echo"}
    assert [series for series, _ in measured["speech_gateway.turn.duration"]] == [place]
    assert measured["speech_gateway.turn.first_audio"][0][1] <= measured["speech_gateway.turn.duration"][0][1]


async def test_a_failed_turn_is_a_span_with_its_error() -> None:
    async def failing(_request: llm.Request) -> Any:
        yield llm.TextDelta(text="my secret")
        raise UpstreamError("It is broken.")

    receiver = await exported(chat(), CHAT, llm=scripted.language_model(failing))
    spans = receiver.spans()
    assert spans.keys() == {"turn echo", "chat echo"}
    assert spans["turn echo"].status.code == spans["turn echo"].status.STATUS_CODE_ERROR
    for span in spans.values():
        assert attributes(span.attributes)["error.type"] == "UpstreamError"
    assert b"secret" not in receiver.sent


async def test_the_server_behind_belongs_to_the_span_of_the_turn() -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
    async with OtlpReceiver() as receiver, UpstreamServer(ANSWER) as upstream:
        flags = ["--llm_backend=chat-completions", f"--responses_api_base_url={upstream.base_url}", "--model_name=m"]
        flags += [*EMBEDDED, f"--otel_endpoint={receiver.endpoint}"]
        async with served(build(load(flags, {}))) as address:
            async with httpx.AsyncClient(base_url=address, timeout=30) as client:
                assert (await client.post(CHAT, headers=headers, **chat(stream=True))).status_code == 200
    span = receiver.spans()["turn m"]
    asked = upstream.exchanges[-1].headers
    assert asked["traceparent"] == f"00-{TRACE}-{span.span_id.hex()}-01"
    assert asked["tracestate"] == "vendor=1"


async def test_what_is_not_sampled_is_passed_on_and_not_sent() -> None:
    receiver = await exported({**chat(), "headers": {"traceparent": f"00-{TRACE}-{PARENT}-00"}}, CHAT)
    assert not receiver.spans()
    assert receiver.measured()["speech_gateway.turn.duration"]


async def test_a_collector_that_is_away_hinders_no_turn_and_no_end(caplog: pytest.LogCaptureFixture) -> None:
    gateway = gateway_of(scripted_engines(), "--otel_endpoint=http://127.0.0.1:9")
    async with served(gateway) as address, httpx.AsyncClient(base_url=address) as client:
        assert (await client.post(ROUTE, **form())).status_code == 200
    assert any(record.name.startswith("opentelemetry") for record in caplog.records if record.levelno > logging.INFO)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(BadOption, match=r"--otel_endpoint 'localhost:4318' is not a URL like 'http://localhost:4318'"):
        create_app(gateway_of(scripted_engines(), "--otel_endpoint=localhost:4318"))


def test_without_its_packages_the_command_that_brings_them_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.delitem(sys.modules, "gateway.telemetry.otel", raising=False)
    with pytest.raises(BadOption, match=r"not installed .*pip install 'speech-gateway\[otel\]'"):
        create_app(gateway_of(scripted_engines(), "--otel_endpoint=http://localhost:4318"))

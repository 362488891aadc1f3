from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    Overloaded,
    TimedOut,
    TooLong,
    Unavailable,
    UnknownModel,
    UpstreamError,
)
from adapters.upstream.error_table import contract_error, parse_refusal, retry_after

KEY = "secret-key-1234567890"


def error(status: int | None, body: Any, headers: dict[str, str] | None = None) -> AdapterError:
    return contract_error(parse_refusal(body, status=status, headers=headers), adapter="chat-completions", key=KEY)


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, openai("temperature is too high"), InvalidRequest),
        (422, {"detail": [{"loc": ["body"]}]}, InvalidRequest),
        (400, openai("too much", "context_length_exceeded"), TooLong),
        (400, {"object": "error", "message": "This model's maximum context length is 8", "code": 400}, TooLong),
        (400, {"error": {"code": 400, "message": "too large", "type": "exceed_context_size_error"}}, TooLong),
        (400, openai("The requested model 'x' does not exist", "model_not_found"), UnknownModel),
        (413, None, TooLong),
        (404, {"error": {"message": "The model `x` does not exist.", "type": "NotFoundError"}}, UnknownModel),
        (404, {"error": "model 'x' not found"}, UnknownModel),
        (404, {"error": "Cannot find an appropriate cached snapshot folder for the specified revision"}, UnknownModel),
        (404, {"error": "Repository Not Found for url: x"}, UnknownModel),
        (404, {"detail": "Not Found"}, UpstreamError),
        (404, openai("Invalid URL (POST /v1/responses)"), UpstreamError),
        (401, openai("Incorrect API key provided", "invalid_api_key"), UpstreamError),
        (403, openai("no access to this model", "model_not_found"), UpstreamError),
        (402, {"error": "pay first"}, UpstreamError),
        (408, None, TimedOut),
        (504, "text", TimedOut),
        (429, openai("slow down", "rate_limit_exceeded", "tokens"), Overloaded),
        (429, openai("no money", "insufficient_quota", "insufficient_quota"), UpstreamError),
        (500, openai("boom", None, "server_error"), UpstreamError),
        (502, None, UpstreamError),
        (503, None, Unavailable),
        (302, None, UpstreamError),
        (None, openai("slow down", "rate_limit_exceeded"), Overloaded),
        (None, {"error": {"code": 503, "message": "provider down"}}, Unavailable),
        (None, {"error": {"message": "too much", "code": "context_length_exceeded"}}, TooLong),
        (None, {"code": "invalid_prompt", "message": "no"}, InvalidRequest),
        (None, [{"error": {"code": 400, "message": "no"}}], InvalidRequest),
        (None, {"error": "something"}, UpstreamError),
        (None, None, UpstreamError),
    ],
)
def test_every_refusal_has_its_class(status: int | None, body: Any, kind: type[AdapterError]) -> None:
    found = error(status, body)
    assert type(found) is kind
    assert found.adapter == "chat-completions"
    assert found.message.endswith((".", "high", "8", "large", "much", "no", "exist"))


def test_the_reason_for_a_bad_request_is_passed_on() -> None:
    found = error(400, {"error": {"message": "stop: at most\n4", "code": "too_many", "param": "stop"}})
    assert isinstance(found, InvalidRequest)
    assert found.message == "The upstream server refused the request: stop: at most 4"
    assert (found.param, found.code) == ("stop", "too_many")


def test_a_bad_request_without_a_reason() -> None:
    assert error(400, None).message == "The upstream server refused the request."


def test_the_servers_words_are_shortened_and_keys_masked() -> None:
    said = error(400, openai(f"bad {KEY}x, Bearer {KEY[:10]}... sk-proj-abcdef12 hf_abcdefghij " + "x" * 9000)).message
    assert "secret" not in said
    assert "abcdef" not in said
    assert said.count("***") == 4
    assert len(said) < 400


def test_a_short_key_does_not_garble_messages() -> None:
    found = contract_error(parse_refusal({"error": "extra text"}, status=400), adapter="a", key="x")
    assert found.message.endswith("extra text")


@pytest.mark.parametrize("status", [401, 403, 500, 503, 429, 302])
def test_the_servers_words_are_shown_for_bad_requests_only(status: int) -> None:
    assert "internal" not in error(status, openai(f"internal {KEY}")).message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "86400"}, 60.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)}, 0.0),
        ({"retry-after": format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)}, 60.0),
        ({}, None),
    ],
)
def test_retry_after_in_each_of_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
    assert error(429, None, headers).retry_after == seconds
    assert error(400, None, headers).retry_after is None

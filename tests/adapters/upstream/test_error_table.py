"""The table from a server's failures to the contract's errors, row by row."""

import ssl
from socket import gaierror
from typing import Any

import httpx
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
from adapters.upstream.certificates import TrustStoreError
from adapters.upstream.error_table import (
    NAMES,
    STATUSES,
    TRANSPORT_FAULTS,
    ServerFailure,
    error_class,
    sentence,
    transport_fault,
)
from adapters.upstream.refusal import Refusal, parse_refusal


def refusal(status: int | None, body: Any) -> Refusal:
    return parse_refusal(body, None if status is None else httpx.Response(status))


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
        (407, None, UpstreamError),
        (408, None, TimedOut),
        (409, openai("conflict"), ServerFailure),
        (504, "text", TimedOut),
        (429, openai("slow down", "rate_limit_exceeded", "tokens"), Overloaded),
        (429, openai("no money", "insufficient_quota", "insufficient_quota"), UpstreamError),
        (429, openai("limit of 40,000 tokens a minute: reduce the length of your prompt"), Overloaded),
        (500, openai("boom", None, "server_error"), ServerFailure),
        (502, None, ServerFailure),
        (503, None, Unavailable),
        (520, None, ServerFailure),
        (529, None, Unavailable),
        (302, None, UpstreamError),
        (None, openai("slow down", "rate_limit_exceeded"), Overloaded),
        (None, {"error": {"code": 503, "message": "provider down"}}, Unavailable),
        (None, {"error": {"code": "503", "message": "provider down"}}, Unavailable),
        (None, {"error": {"code": 500, "message": "provider down"}}, ServerFailure),
        (None, openai("boom", None, "server_error"), ServerFailure),
        (None, {"error": {"message": "too much", "code": "context_length_exceeded"}}, TooLong),
        (None, {"code": "invalid_prompt", "message": "no"}, InvalidRequest),
        (None, {"code": "insufficient_system_resource"}, Unavailable),
        (None, [{"error": {"code": 400, "message": "no"}}], InvalidRequest),
        (None, {"error": "something"}, UpstreamError),
        (None, None, UpstreamError),
    ],
)
def test_every_refusal_has_its_class(status: int | None, body: Any, kind: type[AdapterError]) -> None:
    refused = refusal(status, body)
    assert error_class(refused) is kind
    if issubclass(kind, InvalidRequest) and refused.message:
        assert sentence(refused) == refused.message, "what the client did wrong is said in the server's words"
    else:
        assert sentence(refused).startswith(("The upstream server", "The gateway's account", "The proxy"))


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
        "'max_tokens' or 'max_completion_tokens' is too large: 100. This model's maximum context length is 90 tokens",
        "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
        "Requested token count exceeds the model's maximum context length of 8192 tokens.",
        "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with 4096.",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "prompt is too long: 200251 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
        "Input is too long for requested model.",
        "the request exceeds the available context size, try increasing it",
        "request (9000 tokens) exceeds the available context size (4096 tokens)",
        "Requested tokens (9000) exceed context window of 2048",
        "the input length exceeds the context length",
        "prompt too long; exceeded max context length by 12 tokens",
        "Please reduce the length of the messages or completion.",
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        "Invalid request: Your request exceeded model token limit: 8192",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000",
        "`inputs` must have less than 1024 tokens. Given: 2000",
        "too many tokens: total number of tokens in the prompt cannot exceed 4081",
        "Range of input length should be [1, 30720]",
        "Prompt exceeds max length",
        "invalid params, context window exceeds limit",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "The prompt is too long: 8193, model maximum context length: 8192",
        "The input length (9000) exceeds the maximum length (8192).",
    ],
)
def test_every_servers_words_for_too_much_input(message: str) -> None:
    for status in (400, 413, 422, 500, None):
        assert error_class(refusal(status, {"error": {"message": message}})) is TooLong, status
    assert error_class(refusal(400, {"error": message})) is TooLong
    assert error_class(refusal(400, {"message": message})) is TooLong
    assert error_class(refusal(503, {"error": {"message": message}})) is Unavailable


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens is too large: 32000. This model supports at most 16384 completion tokens.",
        "'stop' has too many items",
        "The model does not support images.",
        "Invalid value for 'context': too small.",
        "tool name is too long",
    ],
)
def test_other_words_about_length_mean_the_request(message: str) -> None:
    assert error_class(refusal(400, {"error": {"message": message}})) is InvalidRequest


@pytest.mark.parametrize("status", [409, 500, 502, 599])
def test_a_server_that_asks_not_to_retry_is_not_a_temporary_failure(status: int) -> None:
    refused = parse_refusal(None, httpx.Response(status, headers={"x-should-retry": "false"}))
    assert error_class(refused) is UpstreamError


def test_every_status_and_name_of_the_table() -> None:
    for status, kind in STATUSES.items():
        assert error_class(Refusal(status=status)) is kind
    for name, kind in NAMES.items():
        assert error_class(Refusal(names=(name,))) is kind
        assert error_class(Refusal(status=400, names=("invalid_request_error", name))) is kind


@pytest.mark.parametrize("status", [401, 403, 500, 503, 429, 302])
def test_the_servers_words_are_shown_for_bad_requests_only(status: int) -> None:
    assert "internal" not in sentence(refusal(status, openai("internal")))


def test_a_bad_request_without_a_reason() -> None:
    assert sentence(refusal(400, None)) == "The upstream server refused the request."


@pytest.mark.parametrize(
    ("cause", "kind", "short"),
    [
        (gaierror(), Unavailable, "no such host"),
        (TrustStoreError("FileNotFoundError"), UpstreamError, "no certificates"),
        (ssl.SSLCertVerificationError(), UpstreamError, "TLS failed"),
        (ssl.SSLError(), UpstreamError, "TLS failed"),
        (httpx.ReadError("reset"), Unavailable, "cannot be reached"),
        (httpx.ProxyError("403"), Unavailable, "cannot be reached"),
        (httpx.RemoteProtocolError("closed"), Unavailable, "cannot be reached"),
        (ValueError(), UpstreamError, "cannot be reached"),
    ],
)
def test_every_transport_fault(cause: Exception, kind: type[AdapterError], short: str) -> None:
    error = cause if isinstance(cause, httpx.HTTPError) else httpx.UnsupportedProtocol("x")
    if error is not cause:
        error.__cause__ = cause
    fault = transport_fault(error)
    assert (fault.error, fault.short) == (kind, short)


def test_every_row_of_the_transport_table_is_tested() -> None:
    assert len(TRANSPORT_FAULTS) == 8

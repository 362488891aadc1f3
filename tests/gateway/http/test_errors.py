"""Every failure has a status, a body in OpenAI's words, and tells the client whether and when to come back."""

import importlib
import math
import pkgutil
import weakref
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
import pytest_asyncio

import adapters.llm
import adapters.stt
import adapters.tts
import gateway
from adapters import scripted
from adapters.contract import errors, llm
from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    Overloaded,
    TimedOut,
    TooLong,
    Unavailable,
    UnknownModel,
    Unsupported,
    UpstreamError,
)
from gateway.access.keys import InvalidKey, NotAllowed
from gateway.access.standing import NothingAllowed
from gateway.conversation.conversation import NotFound
from gateway.http.errors import CONTRACT, LONGEST_MESSAGE, answer_of, describe, stream_error
from gateway.pipeline.listen import NoSpeech
from gateway.telemetry.outcome import describe_failure
from gateway.webrtc.calls import NotInstalled
from tests.support.http_client import ROUTE, Bench, benched, form, refused
from tests.support.server import events_in, gateway_of, scripted_engines, until

TABLE: dict[type[AdapterError], tuple[int, str, str | None, str | None]] = {
    AdapterError: (500, "server_error", None, "false"),
    InvalidRequest: (400, "invalid_request_error", None, None),
    Unsupported: (400, "invalid_request_error", "unsupported_value", None),
    NotFound: (404, "invalid_request_error", None, None),
    InvalidKey: (401, "invalid_request_error", None, None),
    NotAllowed: (403, "invalid_request_error", None, None),
    TooLong: (400, "invalid_request_error", "context_length_exceeded", None),
    UnknownModel: (404, "invalid_request_error", "model_not_found", None),
    NotInstalled: (501, "server_error", "not_implemented", "false"),
    Overloaded: (429, "rate_limit_error", "rate_limit_exceeded", None),
    NothingAllowed: (429, "insufficient_quota", "insufficient_quota", "false"),
    Unavailable: (503, "server_error", "service_unavailable", "true"),
    TimedOut: (504, "server_error", "timeout", None),
    UpstreamError: (502, "server_error", "upstream_error", "false"),
}
"""Status, type, code and x-should-retry of every class."""

SECRET = "my bank account is 1234"


class Failing:
    """A model that fails as it is told, before its first piece or after it."""

    def __init__(self) -> None:
        self.error: Exception = AssertionError("not told how to fail")
        self.late = False

    async def __call__(self, _request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        if self.late:
            yield llm.TextDelta(text="So far so good. ")
        raise self.error


failing = Failing()


@pytest.fixture(autouse=True)
def early() -> None:
    failing.late = False


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncGenerator[Bench, None]:
    async with benched(gateway_of(scripted_engines(llm=scripted.language_model(failing)))) as bench:
        yield bench


def subclasses(kind: type[AdapterError]) -> Iterator[type[AdapterError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from subclasses(each)


def test_every_class_of_the_contract_has_a_row_of_its_own() -> None:
    contract = {kind for kind in subclasses(AdapterError) if kind.__module__ == errors.__name__}
    assert contract | {NotFound, InvalidKey, NotAllowed, NothingAllowed, NotInstalled} == set(CONTRACT) == set(TABLE)


def test_every_other_class_looks_like_one_of_the_contract() -> None:
    for package in (adapters.llm, adapters.stt, adapters.tts, gateway):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:  # of an extra that is not installed
                if (error.name or "adapters").partition(".")[0] in {"adapters", "gateway"}:
                    raise
    others = {kind for kind in subclasses(AdapterError) if kind not in CONTRACT}
    assert NoSpeech in others
    for kind in others:
        nearest = next(base for base in kind.__mro__ if base in CONTRACT)
        assert nearest is not AdapterError, f"{kind} would be an internal error"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("stream_format", ["audio", "sse"])
@pytest.mark.parametrize("kind", TABLE)
async def test_each_class_has_its_status(bench: Bench, kind: type[AdapterError], stream_format: str) -> None:
    failing.error = kind("It did not work.", adapter="scripted")
    response = await bench.client.post(ROUTE, **form(fields={"stream_format": stream_format}))
    status, type_, code, retry = TABLE[kind]
    error = refused(response, status)
    assert error == {"message": "It did not work.", "type": type_, "param": None, "code": code}
    assert response.headers.get("x-should-retry") == retry
    assert "retry-after" not in response.headers
    await until(bench.at_rest)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_wrong_with_a_request_names_the_field(bench: Bench) -> None:
    failing.error = Unsupported("No images.", param="image", code="no_images")
    error = refused(await bench.client.post(ROUTE, **form()), 400)
    assert (error["param"], error["code"]) == ("image", "no_images")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", [Unavailable, TimedOut])
@pytest.mark.parametrize(
    ("seconds", "whole", "milliseconds"),
    [(0.25, "1", "250"), (5, "5", "5000"), (600, "60", "60000"), (math.inf, "60", "60000"), (-3, "1", "0")],
)
async def test_clients_are_told_when_to_come_back_and_never_after_a_minute(
    bench: Bench, kind: type[AdapterError], seconds: float, whole: str, milliseconds: str
) -> None:
    failing.error = kind("Busy.", retry_after=seconds)
    headers = (await bench.client.post(ROUTE, **form())).headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == (whole, milliseconds)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("seconds", "whole", "retry"),
    [
        (0.25, "1", None),
        (59.2, "60", None),
        (61, "61", "false"),
        (9000, "9000", "false"),
        (math.inf, "172800", "false"),
    ],
)
async def test_whose_limit_is_reached_for_longer_than_a_minute_is_told_not_to_retry(
    bench: Bench, seconds: float, whole: str, retry: str | None
) -> None:
    failing.error = Overloaded("Busy.", retry_after=seconds)
    headers = (await bench.client.post(ROUTE, **form())).headers
    assert (headers["retry-after"], headers.get("x-should-retry")) == (whole, retry)


@pytest.mark.asyncio(loop_scope="module")
async def test_an_unexpected_failure_tells_the_client_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    failing.error = ValueError(SECRET)
    response = await bench.client.post(ROUTE, **form(fields={"instructions": SECRET}))
    assert refused(response, 500) == {
        "message": "The server had an error while processing your request. Sorry about that!",
        "type": "server_error",
        "param": None,
        "code": None,
    }
    assert response.headers["x-should-retry"] == "false"
    assert SECRET not in str(response.headers)
    assert "ValueError" in caplog.text
    assert "test_errors.py" in caplog.text, "the log does not say where it happened"
    assert SECRET not in caplog.text


@pytest.mark.asyncio(loop_scope="module")
async def test_an_unexpected_failure_in_the_middle_tells_no_more(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    failing.error, failing.late = ValueError(SECRET), True
    response = await bench.client.post(ROUTE, **form(fields={"stream_format": "sse"}))
    *_, last = events_in(response.text)
    assert last["error"]["message"].startswith("The server had an error")
    assert last["error"].keys() == {"message", "type", "param", "code"}
    assert SECRET not in response.text
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("late", [False, True])
async def test_what_was_said_never_goes_to_the_log(bench: Bench, caplog: pytest.LogCaptureFixture, late: bool) -> None:
    caplog.set_level("DEBUG", logger="gateway")
    caplog.set_level("DEBUG", logger="uvicorn")
    failing.error, failing.late = UpstreamError("It fell over."), late
    await bench.client.post(f"{ROUTE}?instructions=aha", **form(fields={"stream_format": "sse", "instructions": "aha"}))
    for said in ("what did you say", "So far so good", "aha"):
        assert said not in caplog.text


@pytest.mark.parametrize(("field", "param"), [("audio", "file"), ("voice", "voice"), (None, None)])
def test_fields_of_the_contract_have_the_names_that_clients_know(field: str | None, param: str | None) -> None:
    assert describe(TooLong("no", param=field), {"audio": "file"})[1].param == param


def test_a_long_message_is_cut() -> None:
    _, body = describe(InvalidRequest("x" * 100_000), {})
    assert body.message == "x" * LONGEST_MESSAGE + "…"


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (UpstreamError("The server refused the credentials."), "UpstreamError: The server refused the credentials."),
        (InvalidRequest("There is no 'what I said'.", param="voice", code="c"), "InvalidRequest param=voice code=c"),
    ],
)
def test_the_log_says_why_without_what_the_client_wrote(error: AdapterError, logged: str) -> None:
    assert describe_failure(error) == logged


class Recording:
    """Something large that frames hold."""


@pytest.mark.parametrize("kind", [UpstreamError, ValueError])
def test_what_failed_requests_held_is_free_at_once(kind: type[Exception]) -> None:
    """An error that is kept somewhere, such as in a future of a frame that it passed, keeps those frames."""
    kept: list[Exception] = []
    held: list[weakref.ref[Recording]] = []

    def fail() -> None:
        recording = Recording()
        held.append(weakref.ref(recording))
        try:
            raise KeyError
        except KeyError:
            raise kind("It did not work.") from None

    scope: Any = {"type": "http", "method": "POST", "path": "/", "headers": []}
    for answered in (lambda error: answer_of(error, scope), lambda error: stream_error(error, {})):
        try:
            fail()
        except (UpstreamError, ValueError) as error:
            kept.append(error)
            answered(error)
    assert [reference() for reference in held] == [None, None]

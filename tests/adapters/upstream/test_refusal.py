"""Refusals in the shapes that servers write them."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.upstream.refusal import parse_refusal, retry_after


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "no"}},
        {"error": "no"},
        {"message": "no"},
        {"detail": "no"},
        {"error": {"error": {"message": "no"}}},
        {"detail": {"error": {"message": "no"}}},
        {"detail": [{"loc": ["body"], "msg": "no", "type": "missing"}]},
        {"errors": [{"message": "no"}]},
        {"object": "error", "message": "no", "code": 400},
        {"title": "Bad Request", "detail": "no"},
        [{"error": {"message": "no"}}],
        "no",
    ],
)
def test_the_message_is_found_in_every_shape(body: Any) -> None:
    assert parse_refusal(body).message == "no"


@pytest.mark.parametrize("body", [None, [], {}, 5, {"error": None}, {"error": {"message": {"a": 1}}}, [[[[[[]]]]]]])
def test_a_body_without_a_message(body: Any) -> None:
    assert parse_refusal(body).message == ""


def test_the_fields_of_openais_error() -> None:
    refused = parse_refusal({"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}, httpx.Response(400))
    assert (refused.status, refused.message, refused.names, refused.param) == (400, "m", ("c", "t"), "p")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 429}, 429),
        ({"code": "503"}, 503),
        ({"status_code": 500}, 500),
        ({"status": 404}, 404),
        ({"code": 1261}, None),
        ({"code": True}, None),
        ({"code": "rate_limit"}, None),
        ({"code": None}, None),
        ({"code": 200}, None),
    ],
)
def test_an_error_in_a_stream_may_have_a_status(error: Any, status: int | None) -> None:
    assert parse_refusal({"error": error}).status == status


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://other.example/v2", "https://other.example/v2"),
        ("/v2/x", "http://here.example/v2/x"),
        ("http://user:secret@other.example/?token=secret#secret", "http://other.example/"),
        ("http://other.example:99999/", "an address that is not a URL"),
        ("http://xn--/", "an address that is not a URL"),
    ],
)
def test_a_redirect_names_its_target_without_secrets(location: str, shown: str) -> None:
    request = httpx.Request("POST", "http://here.example/v1/x")
    for status in (301, 302, 303, 307, 308):
        response = httpx.Response(status, headers={"location": location}, request=request)
        assert parse_refusal(None, response).location == shown
    assert parse_refusal(None, httpx.Response(400, headers={"location": location}, request=request)).location is None
    assert parse_refusal(None, httpx.Response(302, request=request)).location is None


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
        ({"retry-after": "Fri, 31 Dec 2020 00:00:00 +99999999999999999999"}, None),
        ({"retry-after": format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)}, 0.0),
        ({"retry-after": format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)}, 60.0),
        ({}, None),
    ],
)
def test_retry_after_in_each_of_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
    assert parse_refusal(None, httpx.Response(429, headers=headers)).retry_after == seconds


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=40))
def test_any_retry_after_is_read_or_ignored(value: str) -> None:
    seconds = retry_after({"retry-after": value})
    assert seconds is None or 0 <= seconds <= 60

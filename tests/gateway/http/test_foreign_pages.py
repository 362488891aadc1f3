"""Without keys, requests of foreign pages and under foreign names are refused, WebSockets included."""

from typing import Any

import pytest

from gateway.access.keys import NotAllowed
from gateway.http.foreign_pages import ForeignPages

PAGES = ForeignPages(["speech.lan"], ["https://app.example.com"])


def scope(scheme: str, **headers: str) -> Any:
    return {"scheme": scheme, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}


@pytest.mark.parametrize(
    ("scheme", "headers", "code"),
    [
        ("http", {}, None),
        ("http", {"host": "127.0.0.1:8765"}, None),
        ("http", {"host": "[::1]:8765"}, None),
        ("http", {"host": "LOCALHOST"}, None),
        ("http", {"host": "localhost."}, None),
        ("http", {"host": "Speech.lan:80"}, None),
        ("http", {"host": "evil.example"}, "host_not_allowed"),
        ("http", {"host": "0.0.0.0:8765"}, "host_not_allowed"),
        ("http", {"host": "speech.lan.evil.example"}, "host_not_allowed"),
        ("http", {"host": "localhost.evil.example"}, "host_not_allowed"),
        ("ws", {"host": "evil.example"}, "host_not_allowed"),
        ("http", {"host": "localhost:1", "origin": "http://localhost:1"}, None),
        ("https", {"host": "speech.lan", "origin": "https://speech.lan"}, None),
        ("wss", {"host": "speech.lan", "origin": "https://speech.lan"}, None),
        ("http", {"host": "speech.lan", "origin": "https://app.example.com"}, None),
        ("http", {"host": "speech.lan", "origin": "https://speech.lan"}, "origin_not_allowed"),
        ("http", {"host": "localhost:1", "origin": "http://localhost:2"}, "origin_not_allowed"),
        ("http", {"host": "localhost:1", "origin": "null"}, "origin_not_allowed"),
        ("ws", {"host": "localhost:1", "origin": "https://evil.example"}, "origin_not_allowed"),
    ],
)
def test_where_a_request_is_from(scheme: str, headers: dict[str, str], code: str | None) -> None:
    if code is None:
        PAGES.check(scope(scheme, **headers))
        return
    with pytest.raises(NotAllowed) as failure:
        PAGES.check(scope(scheme, **headers))
    assert failure.value.code == code

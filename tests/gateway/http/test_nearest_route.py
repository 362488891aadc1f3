"""The route that a client probably meant."""

import pytest

from gateway.http.nearest_route import LONGEST_PATH, nearest_route

ROUTES = {
    "/v1/audio/speech": {"POST"},
    "/v1/audio/transcriptions": {"POST"},
    "/v1/audio/voices": {"GET"},
    "/v1/chat/completions": {"POST"},
    "/v1/models": {"GET"},
    "/v1/models/{model}": {"GET", "DELETE"},
    "/health": {"GET"},
}


@pytest.mark.parametrize(
    ("method", "path", "meant"),
    [
        ("POST", "/v1/audio/speach", "POST /v1/audio/speech"),
        ("POST", "/audio/speech", "POST /v1/audio/speech"),
        ("POST", "/v1/v1/chat/completions", "POST /v1/chat/completions"),
        ("POST", "/api/v1/chat/completions", "POST /v1/chat/completions"),
        ("POST", "/v1/chat/completion", "POST /v1/chat/completions"),
        ("POST", "/v1/audio/transcription", "POST /v1/audio/transcriptions"),
        ("GET", "/v1/model", "GET /v1/models"),
        ("GET", "/healthz", "GET /health"),
        ("POST", "/v1/audio/voice", "GET /v1/audio/voices"),
        ("PUT", "/v1/models/{mode}", "DELETE /v1/models/{model}"),
        ("POST", "/v1/embeddings", None),
        ("POST", "/v1/images/generations", None),
        ("GET", "/", None),
        ("GET", "/favicon.ico", None),
        ("GET", "/wp-admin/index.php", None),
    ],
)
def test_it_is_named_when_it_is_near(method: str, path: str, meant: str | None) -> None:
    assert nearest_route(method, path, ROUTES) == meant


def test_a_path_that_would_take_long_to_compare_is_not() -> None:
    near = {"/" + "a" * LONGEST_PATH: {"GET"}}
    assert nearest_route("GET", "/" + "a" * (LONGEST_PATH - 1), near) is not None
    assert nearest_route("GET", "/" + "a" * LONGEST_PATH, near) is None

import httpx
import pytest

from adapters.upstream.urls import authorization, display_url, is_near, parse_url


@pytest.mark.parametrize("text", ["http://h/v1", "https://h:65535", "http://[::1]:80/v1", "http://ü.example/"])
def test_urls_that_can_be_used(text: str) -> None:
    assert parse_url(text) == httpx.URL(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "/v1",
        "http://",
        "http://[",
        "http://xn--/",
        "http://h:0",
        "http://h:99999",
        "http://h\n/",
        "http://a b/",
        "://h",
    ],
)
def test_texts_that_are_not(text: str) -> None:
    assert parse_url(text) is None


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]/v1", True),
        ("http://192.168.1.5/v1", True),
        ("http://vllm:8000/v1", True),
        ("http://gpu.local/v1", True),
        ("http://8.8.8.8/v1", False),
        ("https://api.openai.com/v1", False),
        ("nonsense", False),
        (None, False),
    ],
)
def test_which_servers_are_near(text: str | None, near: bool) -> None:
    assert is_near(text) is near


def test_a_url_is_shown_without_secrets() -> None:
    assert display_url(httpx.URL("http://user:secret@h:1/v1?key=secret#secret")) == "http://h:1/v1"


@pytest.mark.parametrize(
    ("url", "key", "shown"),
    [
        ("http://h/v1", "k", {"authorization": "Bearer k"}),
        ("http://h/v1", "", {}),
        ("http://user:p%40ss@h/v1", "k", {"authorization": "Basic dXNlcjpwQHNz"}),
        ("http://user@h/v1", "", {"authorization": "Basic dXNlcjo="}),
    ],
)
def test_a_user_in_the_url_is_who_asks_before_the_key(url: str, key: str, shown: dict[str, str]) -> None:
    assert authorization(httpx.URL(url), key) == shown

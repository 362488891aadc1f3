"""Proxies of the environment: which servers they are for, and which of them can be used."""

from collections.abc import Callable
from contextlib import aclosing

import httpx
import pytest

from adapters.contract.errors import AdapterError, InvalidRequest, TimedOut, Unavailable, UpstreamError
from adapters.options import BadOption
from adapters.upstream.proxies import proxy_for
from tests.support.upstream_client import END, ask, say, upstream
from tests.support.upstream_server import Exchange, Script, UpstreamServer, replies, streams

Environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Sets exactly these variables; each is written in capitals or not."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def put(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return put


def proxy(url: str) -> str | None:
    found = proxy_for(httpx.URL(url))
    return str(found.url) if found else None


@pytest.mark.parametrize(
    ("variables", "url", "expected"),
    [
        ({}, "http://a.example/v1", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://a.example/v1", "http://p:1"),
        ({"http_proxy": "p:1"}, "http://a.example/v1", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "https://a.example/v1", None),
        ({"HTTPS_PROXY": "https://p:1", "ALL_PROXY": "http://q:2"}, "https://a.example/v1", "https://p:1"),
        ({"ALL_PROXY": "http://q:2"}, "https://a.example/v1", "http://q:2"),
        ({"HTTP_PROXY": "", "ALL_PROXY": "http://q:2"}, "http://a.example/v1", "http://q:2"),
        ({"ALL_PROXY": ""}, "http://a.example/v1", None),
    ],
)
def test_the_variable_of_the_scheme_comes_first(
    environment: Environment, variables: dict[str, str], url: str, expected: str | None
) -> None:
    environment(**variables)
    assert proxy(url) == expected


EXCLUDED = [
    ("*", "http://a.example"),
    ("a.example", "http://a.example:8000"),
    ("A.Example", "http://a.example"),
    ("example", "http://a.example"),
    (".example", "http://a.example"),
    ("*.example", "http://a.example"),
    ("a.example:8000", "http://a.example:8000"),
    ("a.example:443", "https://a.example"),
    ("http://a.example", "http://a.example"),
    ("x, a.example ,y", "http://a.example"),
    ("x a.example", "http://a.example"),
    ("localhost", "http://localhost:8080/v1"),
    ("127.0.0.1", "http://127.0.0.1:8080/v1"),
    ("127.0.0.0/8", "http://127.0.0.1:8080/v1"),
    ("192.168.0.7/16", "http://192.168.1.1"),
    ("::1", "http://[::1]:8080/v1"),
    ("[::1]", "http://[::1]:8080/v1"),
    ("[::1]:8080", "http://[::1]:8080/v1"),
    ("0:0:0:0:0:0:0:1", "http://[::1]:8080/v1"),
    ("fd00::/8", "http://[fd07:b51a::1]"),
    ("[fd00::]/8", "http://[fd07:b51a::1]"),
    ("[fd00::/8]", "http://[fd07:b51a::1]"),
    ("fe80::/10", "http://[fe80::1%25eth0]"),
    ("[::1],[fd07:b51a:cc66:f0::]/64,127.0.0.1", "http://127.0.0.1"),
]
NOT_EXCLUDED = [
    ("", "http://a.example"),
    (",,", "http://a.example"),
    ("b.example", "http://a.example"),
    ("a.example", "http://ba.example"),
    ("a.example:1", "http://a.example"),
    ("https://a.example", "http://a.example"),
    ("10.0.0.0/8", "http://127.0.0.1"),
    ("127.0.0", "http://127.0.0.1"),
    ("[::1]", "http://127.0.0.1"),
    ("fd00::/8", "http://a.example"),
    ("[", "http://a.example"),
    ("[::1", "http://a.example"),
    ("/", "http://a.example"),
    ("://", "http://a.example"),
    ("a.example:port", "http://a.example"),
    ("10.0.0.0/99", "http://10.0.0.1"),
]


@pytest.mark.parametrize(("no_proxy", "url"), EXCLUDED)
@pytest.mark.parametrize(
    "given", ["http://p:1", "socks5://127.0.0.1:1080", "socks://127.0.0.1:1/", "nonsense://", "http://["]
)
def test_a_server_that_is_excluded_has_no_proxy_whatever_it_is(
    environment: Environment, no_proxy: str, url: str, given: str
) -> None:
    environment(ALL_PROXY=given, NO_PROXY=no_proxy)
    assert proxy(url) is None


@pytest.mark.parametrize(("no_proxy", "url"), NOT_EXCLUDED)
def test_a_server_that_is_not_excluded_has_it(environment: Environment, no_proxy: str, url: str) -> None:
    environment(ALL_PROXY="http://p:1", NO_PROXY=no_proxy)
    assert proxy(url) == "http://p:1"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("socks5://user:hidden@127.0.0.1:1080", "the SOCKS proxy socks5://127.0.0.1:1080, which needs"),
        ("socks5h://127.0.0.1:1080", "the SOCKS proxy socks5h://127.0.0.1:1080, which needs"),
        ("socks://127.0.0.1:7891/", "the SOCKS proxy socks://127.0.0.1:7891/, which needs"),
        ("socks4://127.0.0.1:1", "socks4://127.0.0.1:1, whose scheme is not supported"),
        ("quic://user:hidden@p:1", "quic://p:1, whose scheme is not supported"),
        ("http://", "is not the URL of a proxy"),
        ("http://user:hidden@[", "is not the URL of a proxy"),
        ("http://p:99999", "is not the URL of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_one_clear_message(environment: Environment, given: str, words: str) -> None:
    environment(ALL_PROXY=given)
    with pytest.raises(BadOption) as caught:
        upstream("http://a.example/v1")
    message = str(caught.value)
    assert message.startswith("ALL_PROXY ")
    assert words in message
    assert "NO_PROXY=a.example" in message
    assert "hidden" not in message


@pytest.mark.parametrize(("given", "used"), [("socks5h", "socks5h"), ("socks5", "socks5"), ("socks", "socks5")])
def test_socks_proxies_are_used_where_the_package_is(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, given: str, used: str
) -> None:
    monkeypatch.setattr("adapters.upstream.proxies.find_spec", lambda _name: object())
    environment(ALL_PROXY=f"{given}://127.0.0.1:1080")
    assert proxy("http://a.example/v1") == f"{used}://127.0.0.1:1080"


async def test_requests_go_through_the_proxy_with_its_password(environment: Environment) -> None:
    async with UpstreamServer(streams(say("by proxy"), END)) as server:
        environment(HTTP_PROXY=server.base_url.removesuffix("/v1").replace("http://", "http://user:pass@"))
        async with aclosing(upstream("http://name:word@somewhere.invalid/v1")) as client:
            assert await ask(client) == ["by proxy"]
        [exchange] = server.exchanges
        assert exchange.path == "http://somewhere.invalid/v1/x"
        assert exchange.headers["host"] == "somewhere.invalid"
        assert exchange.headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
        assert exchange.headers["authorization"] == "Basic bmFtZTp3b3Jk"


async def test_an_excluded_server_is_connected_to_directly(environment: Environment) -> None:
    async with UpstreamServer(streams(say("direct"), END)) as server:
        environment(HTTP_PROXY="socks5://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9", NO_PROXY="[::1],127.0.0.0/8")
        async with aclosing(upstream(server)) as client:
            assert await ask(client) == ["direct"]


async def cut(exchange: Exchange) -> None:
    exchange.cut()


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (cut, Unavailable),
        (replies(403, b"<html>", "text/html"), UpstreamError),
        (replies(407, b"<html>", "text/html"), UpstreamError),
        (replies(502, b"<html>", "text/html"), UpstreamError),
        (replies(503, b"<html>", "text/html"), Unavailable),
        (replies(504, b"<html>", "text/html"), TimedOut),
        (replies(200, b"<html>", "text/html"), UpstreamError),
    ],
)
async def test_the_proxy_is_named_in_the_error(environment: Environment, script: Script, kind: type[Exception]) -> None:
    async with UpstreamServer(script) as server:
        address = server.base_url.removesuffix("/v1")
        environment(HTTP_PROXY=address.replace("http://", "http://user:hidden@"))
        async with aclosing(upstream("http://somewhere.invalid/v1", max_retries=0)) as client:
            with pytest.raises(AdapterError) as caught:
                await ask(client)
    assert isinstance(caught.value, kind)
    assert f"(through the proxy {address})." in caught.value.message
    assert "hidden" not in caught.value.message


@pytest.mark.parametrize("url", ["http://somewhere.invalid/v1", "https://somewhere.invalid/v1"])
async def test_a_proxy_that_cannot_be_reached_is_named(environment: Environment, url: str) -> None:
    environment(ALL_PROXY="http://user:hidden@127.0.0.1:9/")
    async with aclosing(upstream(url, max_retries=0)) as client:
        with pytest.raises(Unavailable) as caught:
            await ask(client)
    assert caught.value.message == ("The upstream server cannot be reached (through the proxy http://127.0.0.1:9/).")


async def test_a_proxy_is_not_named_when_the_request_is_wrong(environment: Environment) -> None:
    async with UpstreamServer(replies(400, {"error": {"message": "no"}})) as server:
        environment(HTTP_PROXY=server.base_url.removesuffix("/v1"))
        async with aclosing(upstream("http://somewhere.invalid/v1")) as client:
            with pytest.raises(InvalidRequest) as caught:
                await ask(client)
    assert caught.value.message == "no"


async def test_servers_behind_different_proxies_have_different_clients(environment: Environment) -> None:
    async with UpstreamServer(streams(say("one"), END)) as one, UpstreamServer(streams(say("two"), END)) as two:
        environment(HTTP_PROXY=one.base_url.removesuffix("/v1"))
        first = upstream("http://somewhere.invalid/v1")
        environment(HTTP_PROXY=two.base_url.removesuffix("/v1"))
        second = upstream("http://somewhere.invalid/v1")
        async with aclosing(first), aclosing(second):
            assert [await ask(first), await ask(second), await ask(first)] == [["one"], ["two"], ["one"]]

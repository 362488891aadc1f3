"""Only trusted proxies are believed, and only up to the first address that is none of them."""

from typing import Any

import pytest

from adapters.options import BadOption
from gateway.server.forwarded import ForwardedHeaders, TrustedProxies

PROXIES = ["10.0.0.0/8", "::1"]


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "client"),
    [
        ([], "10.0.0.1", "1.2.3.4", "10.0.0.1"),
        (PROXIES, "9.9.9.9", "1.2.3.4", "9.9.9.9"),
        (PROXIES, "10.0.0.1", "1.2.3.4", "1.2.3.4"),
        (PROXIES, "10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        (PROXIES, "10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9"),
        (PROXIES, "10.0.0.1", "1.2.3.4:55, [2001:db8::1]:80", "2001:db8::1"),
        (PROXIES, "10.0.0.1", "6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"),
        (PROXIES, "10.0.0.1", "", "10.0.0.1"),
        (["*"], "9.9.9.9", "1.2.3.4, 5.6.7.8", "1.2.3.4"),
    ],
)
def test_whose_request_it_is(proxies: list[str], peer: str, forwarded: str, client: str) -> None:
    found = TrustedProxies(proxies).client((peer, 5), [(b"x-forwarded-for", forwarded.encode())])
    assert found is not None
    assert found[0] == client


@pytest.mark.parametrize(("kind", "scheme"), [("http", "https"), ("websocket", "wss")])
@pytest.mark.parametrize("trusted", [True, False])
async def test_the_application_is_told(kind: str, scheme: str, trusted: bool) -> None:
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append((scope["client"], scope["scheme"]))

    headers = [(b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-proto", b"https")]
    peer = ("10.0.0.1" if trusted else "9.9.9.9", 5)
    scope: Any = {"type": kind, "client": peer, "scheme": "as it came", "headers": headers}
    unused: Any = None
    await ForwardedHeaders(app, TrustedProxies(PROXIES))(scope, unused, unused)
    assert seen == [(("1.2.3.4", 0), scheme) if trusted else (peer, "as it came")]


def test_what_is_no_proxy() -> None:
    with pytest.raises(BadOption, match=r"'proxy\.lan' is no address and no network"):
        TrustedProxies(["proxy.lan"])

import base64
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, ip_address, ip_network
from urllib.parse import quote, urlsplit

import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from adapters.llm.prompting import image_fetching
from adapters.llm.prompting.image_fetching import Address, Network, fetch, is_public
from tests.support.upstream_client import CERTIFICATE, server_tls
from tests.support.upstream_server import Exchange, Script, UpstreamServer, hold, in_order, replies

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
_LOCAL = ip_address("127.0.0.1")


async def fetched(url: str, network: Network | None = None) -> bytes:
    image = llm.Image(url=url)
    return await (fetch(image, network) if network else fetch(image))


async def refusal(url: str, network: Network | None = None) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        await fetched(url, network)
    assert caught.value.param == "messages"
    return caught.value


class Names:
    """A network in which the local server has every name and a public address; ``asked`` are the names looked up."""

    def __init__(self, *addresses: str, private: Sequence[str] = ()) -> None:
        self.asked: list[str] = []
        self._addresses = [ip_address(address) for address in addresses] or [_LOCAL]
        self._private = [ip_address(address) for address in private]

    @property
    def network(self) -> Network:
        return Network(resolve=self._resolve, may_reach=lambda address: address not in self._private)

    async def _resolve(self, host: str, port: int) -> list[Address]:
        self.asked.append(host)
        return self._private if host.startswith("inside") else self._addresses


@asynccontextmanager
async def serving(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[UpstreamServer, str]]:
    """A server, and its URL by a name that only ``Names`` knows."""
    async with UpstreamServer(script, tls=tls) as server:
        yield server, f"{urlsplit(server.base_url).scheme}://images.example:{urlsplit(server.base_url).port}"


class TestDataUrls:
    @pytest.mark.parametrize(
        "url",
        [
            "data:image/png;base64," + base64.b64encode(_PNG).decode(),
            "DATA:image/png;BASE64," + quote(base64.b64encode(_PNG).decode(), safe=""),
            "data:image/png," + quote(_PNG),
        ],
    )
    async def test_the_data_are_in_the_url(self, url: str) -> None:
        assert await fetched(url) == _PNG

    @pytest.mark.parametrize("url", ["data:image/png;base64,@@@", "data:image/png;base64,abc", "data:image/png"])
    async def test_what_cannot_be_read_is_refused(self, url: str) -> None:
        assert (await refusal(url)).code == "invalid_image_url"

    async def test_it_may_be_too_large(self) -> None:
        assert (await refusal("data:," + "a" * 20_000_001)).code == "image_too_large"
        assert (await refusal("data:;base64," + "a" * 40_000_001)).code == "image_too_large"


# IANA's registries of special-purpose addresses, without the blocks that are reachable from everywhere.
SPECIAL_BLOCKS = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32"),
    *("::/128", "::1/128", "::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/32", "2001:2::/48"),
    *("2001:10::/28", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
)


@pytest.mark.parametrize("block", SPECIAL_BLOCKS)
def test_addresses_of_special_purpose_are_not_public(block: str) -> None:
    network = ip_network(block)
    for address in (network[0], network[network.num_addresses // 2], network[-1]):
        assert not is_public(address)
        if isinstance(address, IPv4Address):
            for leads_there in (f"::ffff:{address}", f"64:ff9b::{address}"):
                assert not is_public(ip_address(leads_there))


@pytest.mark.parametrize("address", ["fd00:ec2::254", "2002:7f00:1::1", "2002:808:808::1", "::8.8.8.8", "4000::1"])
def test_other_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "192.0.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ip_address(address))


class TestWhatIsReached:
    async def test_an_image_of_the_internet(self) -> None:
        names = Names()
        async with serving(replies(200, _PNG, "image/png")) as (server, url):
            assert await fetched(f"{url}/cat.png?size=1", names.network) == _PNG
        [exchange] = server.exchanges
        assert (exchange.method, exchange.path) == ("GET", "/cat.png?size=1")
        assert exchange.headers["host"] == urlsplit(url).netloc
        assert names.asked == ["images.example"]

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"]
    )
    async def test_nothing_of_this_machine(self, host: str) -> None:
        async with serving(replies(200, _PNG)) as (server, url):
            error = await refusal(url.replace("images.example", host))
        assert error.code == "invalid_image_url"
        assert not server.connections

    async def test_all_addresses_of_a_host_must_be_public(self) -> None:
        names = Names("127.0.0.1", "10.0.0.1", private=["10.0.0.1"])
        async with serving(replies(200, _PNG)) as (server, url):
            assert "not on the public internet" in (await refusal(url, names.network)).message
        assert not server.connections

    async def test_the_next_address_is_tried(self) -> None:
        async with serving(replies(200, _PNG)) as (_, url):
            assert await fetched(url, Names("127.0.0.2", "127.0.0.1").network) == _PNG

    @pytest.mark.parametrize(
        "url",
        [
            *("ftp://images.example/a", "file:///etc/passwd", "/etc/passwd", "", "http://", "gopher://x"),
            *(
                "http://user:password@images.example/a",
                "http://images.example:99999/",
                "http://a\x00b/",
            ),
        ],
    )
    async def test_only_plain_http_urls(self, url: str) -> None:
        names = Names()
        error = await refusal(url, names.network)
        assert "password" not in error.message
        assert not names.asked

    async def test_the_environment_has_no_say(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
        async with serving(replies(200, _PNG)) as (_, url):
            assert await fetched(url, Names().network) == _PNG


class TestTls:
    async def test_the_certificate_must_be_the_hosts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(image_fetching, "_context", lambda: ssl.create_default_context(cafile=str(CERTIFICATE)))
        async with serving(replies(200, _PNG), tls=server_tls()) as (server, url):
            assert await fetched(url.replace("images.example", "localhost"), Names().network) == _PNG
            await refusal(url, Names().network)
        assert len(server.exchanges) == 1

    async def test_a_certificate_that_nobody_trusts(self) -> None:
        async with serving(replies(200, _PNG), tls=server_tls()) as (server, url):
            await refusal(url.replace("images.example", "localhost"), Names().network)
        assert not server.exchanges


def redirects(*locations: str) -> Script:
    return in_order([*(replies(302, b"", location=location) for location in locations), replies(200, _PNG)])


class TestRedirects:
    async def test_some_are_followed(self) -> None:
        names = Names()
        async with serving(redirects("/b", "c")) as (server, url):
            port = urlsplit(url).port
            server.script = redirects("/b", "c", f"http://other.example:{port}/d")
            assert await fetched(f"{url}/a", names.network) == _PNG
        assert [exchange.path for exchange in server.exchanges] == ["/a", "/b", "/c", "/d"]
        assert names.asked[-1] == "other.example"

    async def test_each_is_checked_again(self) -> None:
        names = Names(private=["10.0.0.1"])
        async with serving(redirects("http://inside.example/")) as (_, url):
            assert "not on the public internet" in (await refusal(url, names.network)).message

    @pytest.mark.parametrize("location", ["file:///etc/passwd", "http://user:x@images.example/"])
    async def test_not_to_other_kinds(self, location: str) -> None:
        async with serving(redirects(location)) as (_, url):
            await refusal(url, Names().network)

    async def test_not_without_end(self) -> None:
        async with serving(replies(302, b"", location="/")) as (server, url):
            assert "more than 3 times" in (await refusal(url, Names().network)).message
        assert len(server.exchanges) == 4


class TestAnswers:
    async def test_another_status(self) -> None:
        async with serving(replies(404, b"secret")) as (_, url):
            error = await refusal(url, Names().network)
        assert "404" in error.message
        assert "secret" not in error.message

    async def test_too_much_is_not_read_to_its_end(self) -> None:
        async def endless(exchange: Exchange) -> None:
            await exchange.start(content_type="image/png")
            while True:
                await exchange.send(bytes(1_000_000))

        async with serving(endless) as (_, url):
            assert (await refusal(url, Names().network)).code == "image_too_large"

    async def test_compression_that_may_be_a_bomb(self) -> None:
        async with serving(replies(200, b"", content_encoding="gzip")) as (_, url):
            await refusal(url, Names().network)

    async def test_no_http(self) -> None:
        async def cut(exchange: Exchange) -> None:
            exchange.cut()

        async with serving(cut) as (_, url):
            assert "could not be fetched" in (await refusal(url, Names().network)).message

    async def test_none_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(image_fetching, "_TIMEOUT_SECONDS", 0.05)
        async with serving(hold) as (_, url):
            assert "did not arrive" in (await refusal(url, Names().network)).message


async def test_a_name_that_nobody_knows() -> None:
    async def nobody(host: str, port: int) -> list[Address]:
        raise OSError(host, port)

    assert "cannot be resolved" in (await refusal("http://images.example/", Network(resolve=nobody))).message

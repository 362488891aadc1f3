import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from adapters.remote_media import RemoteMedia, download, media
from adapters.remote_media.addresses import INTERNET, Address, Network
from tests.support.upstream_client import CERTIFICATE, server_tls
from tests.support.upstream_server import Exchange, Script, UpstreamServer, hold, in_order, replies

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
_LOCAL = ip_address("127.0.0.1")
_UNREACHABLE = "cannot be reached on the public internet"


async def fetched(url: str, network: Network = INTERNET) -> bytes:
    [file] = await RemoteMedia(("public",), network=network).images([llm.Image(url=url)])
    return file


async def refusal(url: str, network: Network = INTERNET) -> InvalidRequest:
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
        return Network(resolve=self._resolve, is_public=lambda address: address not in self._private)

    async def _resolve(self, host: str, port: int) -> list[Address]:
        self.asked.append(host)
        return self._private if host.startswith("inside") else self._addresses


@asynccontextmanager
async def serving(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[UpstreamServer, str]]:
    """A server, and its URL by a name that only ``Names`` knows."""
    async with UpstreamServer(script, tls=tls) as server:
        yield server, f"{urlsplit(server.base_url).scheme}://images.example:{urlsplit(server.base_url).port}"


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
        "host",
        [
            *(
                "127.0.0.1",
                "localhost",
                "2130706433",
                "0x7f.1",
                "0177.0.0.1",
                "017700000001",
                "0",
                "127.1",
                "localhost.",
            ),
            *(
                "[::1]",
                "[::ffff:127.0.0.1]",
                "[::ffff:7f00:1]",
                "[::127.0.0.1]",
                "[64:ff9b::7f00:1]",
                "[2002:7f00:1::]",
            ),
            *("127。0。0。1", "①27.0.0.1", "%31%32%37.0.0.1"),  # other characters for the same host
        ],
    )
    async def test_nothing_of_this_machine(self, host: str) -> None:
        async with serving(replies(200, _PNG, "image/png")) as (server, url):
            error = await refusal(url.replace("images.example", host))
        assert error.code == "invalid_image_url"
        assert not server.connections

    @pytest.mark.parametrize("host", ["inside.example", "nobody.example", "closed.example"])
    async def test_all_that_is_said_of_the_network_is_that_a_host_is_not_reached(self, host: str) -> None:
        async def look_up(name: str, _port: int) -> list[Address]:
            if name.startswith("nobody"):
                raise OSError(name)
            return [ip_address("10.0.0.1" if name.startswith("inside") else "127.0.0.1")]

        network = Network(resolve=look_up, is_public=lambda address: address == _LOCAL)
        error = await refusal(f"http://{host}:1/", network)
        assert error.message.replace(host, "HOST") == (
            "Error while downloading http://HOST:1/: its host cannot be reached on the public internet. "
            "Send the image as a data: URL if its address cannot be used."
        )

    async def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_reached(self) -> None:
        answers = [_LOCAL, ip_address("127.0.0.2")]

        async def rebinding(_host: str, _port: int) -> list[Address]:
            return [answers.pop(0)]

        network = Network(resolve=rebinding, is_public=lambda address: address == _LOCAL)
        async with serving(replies(200, _PNG, "image/png")) as (server, url):
            assert await fetched(url, network) == _PNG
        assert len(server.exchanges) == len(answers) == 1

    async def test_all_addresses_of_a_host_must_be_public(self) -> None:
        names = Names("127.0.0.1", "10.0.0.1", private=["10.0.0.1"])
        async with serving(replies(200, _PNG, "image/png")) as (server, url):
            assert _UNREACHABLE in (await refusal(url, names.network)).message
        assert not server.connections

    async def test_the_next_address_is_tried(self) -> None:
        async with serving(replies(200, _PNG, "image/png")) as (_, url):
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
        async with serving(replies(200, _PNG, "image/png")) as (_, url):
            assert await fetched(url, Names().network) == _PNG


class TestTls:
    async def test_the_certificate_must_be_the_hosts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(download, "_context", lambda: ssl.create_default_context(cafile=str(CERTIFICATE)))
        async with serving(replies(200, _PNG, "image/png"), tls=server_tls()) as (server, url):
            assert await fetched(url.replace("images.example", "localhost"), Names().network) == _PNG
            await refusal(url, Names().network)
        assert len(server.exchanges) == 1

    async def test_a_certificate_that_nobody_trusts(self) -> None:
        async with serving(replies(200, _PNG, "image/png"), tls=server_tls()) as (server, url):
            await refusal(url.replace("images.example", "localhost"), Names().network)
        assert not server.exchanges


def redirects(*locations: str) -> Script:
    return in_order(
        [*(replies(302, b"", location=location) for location in locations), replies(200, _PNG, "image/png")]
    )


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
            assert _UNREACHABLE in (await refusal(url, names.network)).message

    async def test_a_name_that_has_become_private_is_not_followed(self) -> None:
        asked: list[str] = []

        async def resolve(host: str, _port: int) -> list[Address]:
            asked.append(host)
            return [_LOCAL if len(asked) == 1 else ip_address("127.0.0.2")]

        network = Network(resolve=resolve, is_public=lambda address: address == _LOCAL)
        async with serving(redirects("/again")) as (server, url):
            assert _UNREACHABLE in (await refusal(url, network)).message
        assert asked == ["images.example"] * 2
        assert len(server.exchanges) == 1

    @pytest.mark.parametrize("location", ["http://169.254.169.254/latest/meta-data/", "http://[::ffff:a9fe:a9fe]/"])
    async def test_the_metadata_of_a_cloud_is_not_reached_by_a_detour(self, location: str) -> None:
        async def look_up(host: str, port: int) -> list[Address]:
            return [_LOCAL] if host == "images.example" else list(await INTERNET.resolve(host, port))

        network = Network(resolve=look_up, is_public=lambda address: address == _LOCAL or INTERNET.is_public(address))
        async with serving(redirects(location)) as (_, url):
            error = await refusal(url, network)
        assert _UNREACHABLE in error.message
        assert "169.254" not in error.message

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
        bomb = gzip.compress(bytes(30_000_000))
        async with serving(replies(200, bomb, "image/png", content_encoding="gzip")) as (_, url):
            assert "compressed" in (await refusal(url, Names().network)).message

    @pytest.mark.parametrize("content_type", ["text/html", "application/json", "", "imagepng", "image/png, text/html"])
    async def test_what_is_no_image(self, content_type: str) -> None:
        async with serving(replies(200, _PNG, content_type)) as (_, url):
            assert "does not say that it is an image" in (await refusal(url, Names().network)).message

    async def test_a_body_that_never_ends_but_is_small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def drip(exchange: Exchange) -> None:
            await exchange.start(content_type="image/png")
            while exchange.is_open:
                await exchange.send(b"x")
                await asyncio.sleep(0.01)

        monkeypatch.setattr(media, "SECONDS", 0.2)
        async with serving(drip) as (_, url):
            assert "did not arrive" in (await refusal(url, Names().network)).message

    async def test_no_http(self) -> None:
        async def cut(exchange: Exchange) -> None:
            exchange.cut()

        async with serving(cut) as (_, url):
            assert _UNREACHABLE in (await refusal(url, Names().network)).message

    async def test_none_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(media, "SECONDS", 0.05)
        async with serving(hold) as (_, url):
            assert "did not arrive" in (await refusal(url, Names().network)).message


async def test_a_name_that_nobody_knows() -> None:
    async def nobody(host: str, port: int) -> list[Address]:
        raise OSError(host, port)

    assert _UNREACHABLE in (await refusal("http://images.example/", Network(resolve=nobody))).message

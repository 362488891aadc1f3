from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unavailable, Unsupported
from adapters.remote_media import RemoteMedia, media
from tests.support.upstream_server import UpstreamServer, replies

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
_HERE = ("127.0.0.1",)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """Of an image on a host that only a pattern allows."""
    async with UpstreamServer(replies(200, _PNG, "image/png; charset=binary")) as server:
        yield f"{server.base_url}/cat.png"


def shown(*urls: str) -> tuple[llm.Message, ...]:
    images = tuple(llm.Image(url=url, detail="low") for url in urls)
    return (llm.Message(role="user", parts=(llm.Text(text="What is this?"), *images)),)


def body_with(*urls: str) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in urls]
    return {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, *parts]}]}


async def refusal(media: RemoteMedia, body: dict[str, Any]) -> Exception:
    with pytest.raises((InvalidRequest, Unavailable)) as caught:
        async with media.inlined_body(body, "messages"):
            pass
    return caught.value


async def test_images_of_messages_become_data_urls(url: str) -> None:
    messages = shown(url, "data:image/png,x")
    async with RemoteMedia(_HERE).inlined(messages) as inlined:
        _, first, second = inlined[0].parts
    assert isinstance(first, llm.Image)
    assert first.url.startswith("data:image/png;base64,iVBOR")
    assert first.detail == "low"
    assert second == messages[0].parts[2]


async def test_images_of_a_body_become_data_urls_and_the_rest_stays(url: str) -> None:
    body = body_with(url)
    async with RemoteMedia(_HERE).inlined_body(body, "messages") as inlined:
        assert inlined["messages"][0]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert body == body_with(url)
    assert inlined["model"] == "m"


async def test_a_request_without_urls_is_the_same() -> None:
    body, messages = body_with("data:image/png,x"), shown("data:image/png,x")
    remote = RemoteMedia(_HERE)
    async with remote.inlined_body(body, "messages") as same_body, remote.inlined(messages) as same:
        assert same_body is body
        assert same is messages


async def test_a_server_that_reads_urls_gets_public_ones_as_they_are(url: str) -> None:
    body = body_with("https://example.com/a.png", url)
    async with RemoteMedia(("public",), reads_urls=True).inlined_body(body, "messages") as same:
        assert same is body
    async with RemoteMedia(_HERE, reads_urls=True).inlined_body(body_with(url), "messages") as inlined:
        assert inlined["messages"][0]["content"][1]["image_url"]["url"].startswith("data:")
    assert "fetches no URLs" in str(await refusal(RemoteMedia(("off",), reads_urls=True), body))


async def test_the_path_of_what_cannot_be_fetched(url: str) -> None:
    error = await refusal(RemoteMedia(_HERE), body_with(url, "http://user:secret@127.0.0.1/x?token=secret"))
    assert isinstance(error, InvalidRequest)
    assert (error.param, error.code) == ("messages[0].content[2].image_url.url", "invalid_image_url")
    assert "secret" not in error.message


async def test_hosts_that_the_operator_did_not_name() -> None:
    error = await refusal(RemoteMedia(_HERE), body_with("http://localhost:1/"))
    assert "not one that this server may fetch from" in str(error)


async def test_files_of_other_kinds_are_not_fetched() -> None:
    body = {"messages": [{"content": [{"type": "input_file", "file_url": "https://example.com/a.pdf"}]}]}
    error = await refusal(RemoteMedia(("public",)), body)
    assert isinstance(error, Unsupported)
    assert error.param == "messages[0].content[0].file_url"


async def test_only_some_files(url: str) -> None:
    error = await refusal(RemoteMedia(_HERE), body_with(*(f"{url}?{number}" for number in range(17))))
    assert isinstance(error, InvalidRequest)
    assert error.code == "array_above_max_length"


async def test_bytes_are_bounded_for_a_request_and_for_all(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = RemoteMedia(_HERE)
    monkeypatch.setattr(media, "MOST_BYTES", 500)
    error = await refusal(remote, body_with(url, f"{url}?2"))
    assert isinstance(error, InvalidRequest)
    assert error.code == "image_too_large"
    monkeypatch.setattr(media, "MOST_BYTES_HELD", 500)
    async with remote.inlined_body(body_with(url), "messages"):
        assert isinstance(await refusal(remote, body_with(url)), Unavailable)
    async with remote.inlined_body(body_with(url), "messages"):
        pass  # what was held was let go

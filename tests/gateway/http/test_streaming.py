"""The one streaming response, driven as a server would: status with the first byte, and who leaves is noticed."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import msgspec
import pytest

from adapters.contract.errors import Overloaded
from gateway.http import streaming
from gateway.http.streaming import (
    CONNECTION,
    EVENT_STREAM,
    PING,
    Head,
    Held,
    Part,
    Streaming,
    StreamingResponse,
    server_sent_event,
)

Sent = list[dict[str, Any]]

HEAD = Head(headers={"x-late": "yes"})


class Client:
    """The connection to a client; it leaves when it is told to, and takes so many messages before it stops reading."""

    def __init__(self, reads: int = 1000) -> None:
        self.sent: Sent = []
        self.left: Callable[[], None] | None = None
        self._reads = reads

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if len(self.sent) == self._reads:
            await asyncio.Event().wait()

    def offer(self, data: bytes) -> bool:
        self.sent.append({"type": "http.response.body", "body": data, "more_body": True})
        return True

    def when_left(self, left: Callable[[], None] | None) -> None:
        self.left = left


async def play(chunks: AsyncGenerator[Part, None], *, events: bool = False, client: Client | None = None) -> Sent:
    """What the server is told to send."""
    client = client or Client()
    response = StreamingResponse(Streaming(parts=chunks, content_type=EVENT_STREAM if events else "audio/pcm"))
    unused: Any = None
    scope: Any = {"type": "http", "extensions": {CONNECTION: client}}
    async with asyncio.timeout(10):
        await response(scope, unused, client.send)
    assert client.left is None, "it is told of a client that leaves later"
    return client.sent


def body(sent: Sent) -> list[bytes]:
    return [message["body"] for message in sent[1:]]


class Source:
    """Chunks, maybe a failure, and whether all was closed."""

    def __init__(self, *chunks: bytes, error: Exception | None = None, endless: bool = False) -> None:
        self.chunks, self.error, self.endless = chunks, error, endless
        self.closed = False
        self.waiting = asyncio.Event()

    async def stream(self) -> AsyncGenerator[Part, None]:
        try:
            if self.chunks or not (self.error or self.endless):
                yield HEAD
            for chunk in self.chunks:
                yield chunk
            if self.error is not None:
                raise self.error
            if self.endless:
                self.waiting.set()
                await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # closing that needs the loop
            self.closed = True


async def test_chunks_are_sent_one_by_one_and_the_end_is_marked() -> None:
    source = Source(b"one", b"two")
    sent = await play(source.stream())
    assert (sent[0]["type"], sent[0]["status"]) == ("http.response.start", 200)
    assert body(sent) == [b"one", b"two", b""]
    assert [message["more_body"] for message in sent[1:]] == [True, True, False]
    assert source.closed


async def test_headers_keep_proxies_from_buffering() -> None:
    sent = await play(Source(b"x").stream())
    headers = dict(sent[0]["headers"])
    assert headers[b"x-late"] == b"yes"
    assert headers[b"content-type"] == b"audio/pcm"
    assert (headers[b"cache-control"], headers[b"x-accel-buffering"]) == (b"no-cache", b"no")


async def test_nothing_to_send_is_an_empty_body() -> None:
    assert body(await play(Source().stream())) == [b""]


async def test_what_is_held_follows_the_head_and_is_lost_with_a_refusal() -> None:
    async def parts(error: Exception | None) -> AsyncGenerator[Part, None]:
        yield Held(data=b"heard ")
        yield Held(data=b"this. ")
        if error is not None:
            raise error
        yield HEAD
        yield b"answer"

    assert body(await play(parts(None))) == [b"heard this. ", b"answer", b""]
    with pytest.raises(Overloaded):
        await play(parts(Overloaded("Too many.")))


async def test_a_failure_before_the_first_byte_is_raised_unsent() -> None:
    source = Source(error=Overloaded("Too many."))
    with pytest.raises(Overloaded):
        await play(source.stream())
    assert source.closed


async def test_a_late_failure_becomes_an_event_or_cuts_the_bytes_off() -> None:
    told = await play(Source(b"data: 1\n\n", error=Overloaded("Too many.")).stream(), events=True)
    *_, event, end = body(told)
    assert json.loads(event.removeprefix(b"data: "))["error"]["code"] == "rate_limit_exceeded"
    assert (event[-2:], end, told[-1]["more_body"]) == (b"\n\n", b"", False)
    cut = await play(Source(b"one", error=Overloaded("Too many.")).stream())
    assert body(cut) == [b"one"]
    assert cut[-1]["more_body"], "half an answer looks like a whole one"


async def test_silence_is_filled_with_comments_in_an_event_stream_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PING_SECONDS", 0.01)

    async def pausing() -> AsyncGenerator[Part, None]:
        yield HEAD
        yield b"data: 1\n\n"
        await asyncio.sleep(0.05)
        yield b"data: 2\n\n"

    spoken = body(await play(pausing(), events=True))
    assert spoken.count(PING) >= 2
    assert [chunk for chunk in spoken if chunk != PING] == [b"data: 1\n\n", b"data: 2\n\n", b""]
    assert PING not in body(await play(pausing()))


@pytest.mark.parametrize("chunks", [(), (b"one",)])
async def test_a_client_that_leaves_is_noticed_before_and_after_the_first_byte(chunks: tuple[bytes, ...]) -> None:
    source, client = Source(*chunks, endless=True), Client()

    async def leave() -> None:
        await source.waiting.wait()
        assert client.left is not None
        client.left()
        client.left()  # more than once is no more than once

    sent, _ = await asyncio.gather(play(source.stream(), client=client), leave())
    assert source.closed
    assert not any(message.get("more_body") is False for message in sent)


async def test_a_task_whose_client_left_goes_on() -> None:
    source, client = Source(endless=True), Client()

    async def serve() -> int:
        await play(source.stream(), client=client)
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    serving = asyncio.create_task(serve())
    await source.waiting.wait()
    assert client.left is not None
    client.left()
    assert await serving == 0


async def test_a_server_that_shuts_down_waits_for_the_closing() -> None:
    source = Source(b"one", endless=True)
    playing = asyncio.create_task(play(source.stream()))
    await source.waiting.wait()
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert source.closed


class Said(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="said"):
    """An event whose text has everything that could break a line."""

    text: str


def test_an_event_is_one_line_of_json() -> None:
    event = server_sent_event(Said(text="a\nb\r\nc\u2028"))
    assert event.startswith(b"data: {")
    assert event.endswith(b"}\n\n")
    assert event.count(b"\n") == 2
    assert b"\r" not in event
    assert json.loads(event.removeprefix(b"data: ")) == {"type": "said", "text": "a\nb\r\nc\u2028"}

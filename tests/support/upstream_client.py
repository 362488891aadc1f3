"""Sends requests with the upstream client; answers have a minimal protocol: ``say("a")``, ``END``, ``NOTHING``."""

import ssl
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.checks import read
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError
from adapters.options import Secret
from adapters.upstream import CompletionCall, UpstreamClient, UpstreamOptions
from tests.support.upstream_server import Exchange, Script, UpstreamServer

KEY = Secret("test-key-123456")
NOTHING = {"role": "assistant"}
END = {"end": True}
FINISHED = llm.Finished(reason="stop", usage=None)
CERTIFICATE = Path(__file__).parent / "localhost.pem"
"""A self-signed certificate for localhost and 127.0.0.1, with its key."""


def say(text: str) -> dict[str, str]:
    """An event with one word."""
    return {"say": text}


class Words:
    """Reads these events; an answer that is not streamed is a list of them."""

    def __init__(self, upstream: UpstreamClient) -> None:
        self._errors = upstream.errors
        self.done = False

    def feed(self, data: bytes, name: str | None = None) -> Iterator[llm.Event]:
        event = msgspec.json.decode(data)
        if "error" in event:
            raise self._errors.reported(event)
        self.done = self.done or "end" in event
        if "say" in event:
            yield llm.TextDelta(text=event["say"])

    def whole(self, data: bytes) -> Iterator[llm.Event]:
        try:
            decoded = msgspec.json.decode(data)
        except msgspec.DecodeError:
            raise self._errors.upstream_error("sent something else") from None
        for event in decoded if isinstance(decoded, list) else [decoded]:
            yield from self.feed(msgspec.json.encode(event))

    def finish(self, *, marked: bool = False) -> Iterator[llm.Event]:
        if not (self.done or marked):
            raise self._errors.upstream_error("ended its answer in the middle")
        yield FINISHED


def upstream(server: UpstreamServer | str, key: Secret | None = KEY, **options: Any) -> UpstreamClient:
    """A client of ``server``; ``options`` are named without their prefix."""
    given = {f"responses_api_{name}": value for name, value in options.items()}
    base_url = server if isinstance(server, str) else server.base_url
    return UpstreamClient(
        "chat-completions", UpstreamOptions(responses_api_base_url=base_url, responses_api_api_key=key, **given)
    )


def call(client: UpstreamClient, **body: Any) -> CompletionCall[llm.Event]:
    """A call for a streamed answer, unless ``body`` says otherwise."""
    return CompletionCall(path="/x", body={"model": "m", "stream": True, **body}, make_reader=lambda: Words(client))


async def ask(client: UpstreamClient, **body: Any) -> list[str]:
    """The words of a complete answer."""
    events = await read(client.stream(call(client, **body)))
    assert events[0] == Started()
    assert events[-1] == FINISHED
    return [event.text for event in events[1:-1]]


async def ask_once(script: Script, **options: Any) -> list[str]:
    """The words of one answer of ``script``; checks that no stream stays open."""
    async with UpstreamServer(script) as server, aclosing(upstream(server, max_retries=0, **options)) as client:
        try:
            return await ask(client)
        finally:
            assert server.open_streams == 0


async def failure(script: Script, **options: Any) -> AdapterError:
    """The error of one answer of ``script``."""
    with pytest.raises(AdapterError) as caught:
        await ask_once(script, **options)
    assert caught.value.adapter == "chat-completions"
    return caught.value


def then(*events: Any, cut: bool = False) -> Script:
    """A script that streams ``events``, then sends no more, or closes the connection with ``cut``."""

    async def script(exchange: Exchange) -> None:
        await exchange.start()
        await exchange.events(*events)
        if cut:
            exchange.cut()
        else:
            await exchange.until_left()

    return script


def server_tls() -> ssl.SSLContext:
    """The TLS context of a server with ``CERTIFICATE``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context

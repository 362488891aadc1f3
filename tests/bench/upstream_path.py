"""One way from an upstream to a client: a chat completion is asked of it and streamed on by the gateway's own response.

Run as ``python -m tests.bench.upstream_path WAY UPSTREAM``, with one of ``WAYS`` and a base URL; prints the port it
listens on.
"""

import resource
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from importlib import import_module

import httpx
import msgspec
import openai
from litestar import Litestar, get, post

from adapters.contract import llm
from adapters.llm.chat_completions.adapter import ChatCompletions
from adapters.upstream import UpstreamOptions, pool
from gateway.http.streaming import EVENT_STREAM, Head, Part, Streaming, StreamingResponse, server_sent_event
from gateway.server import limits
from gateway.server.server import GatewayServer
from gateway.settings.load import load

Stream = Callable[[], AsyncGenerator[str, None]]

REQUEST = llm.Request(
    model="bench",
    messages=(llm.Message(role="user", parts=(llm.Text(text="How are you?"),)),),
    reasoning=llm.Reasoning(disabled=True),
)


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """What is new in a chunk."""

    content: str


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The only choice of a chunk."""

    delta: Delta
    index: int = 0


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """What goes out for every delta."""

    choices: tuple[Choice, ...]
    id: str = "c"
    object: str = "chat.completion.chunk"
    created: int = 0
    model: str = "bench"


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What the process has used so far: seconds of processor time, bytes of memory at most."""

    cpu_seconds: float
    memory: int


def adapter(base_url: str) -> Stream:
    """Our own way: the adapter ``chat-completions``."""
    model = ChatCompletions(UpstreamOptions(responses_api_base_url=base_url))

    async def stream() -> AsyncGenerator[str, None]:
        async with aclosing(model.stream(REQUEST)) as events:
            async for event in events:
                if isinstance(event, llm.TextDelta):
                    yield event.text

    return stream


def adapter_on_httpx(base_url: str) -> Stream:
    """The same on httpx's own transport."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    vars(pool)["Transport"] = lambda _: httpx.AsyncHTTPTransport(limits=limits)
    return adapter(base_url)


def adapter_on_aiohttp(base_url: str) -> Stream:
    """The same on ``httpx-aiohttp``, which has to be installed for it."""
    httpx_aiohttp = import_module("httpx_aiohttp")
    limits = httpx.Limits(max_connections=0)  # no limit: None would be aiohttp's own, 100
    vars(pool)["Transport"] = lambda _: httpx_aiohttp.AiohttpTransport(limits=limits)
    return adapter(base_url)


def sdk(base_url: str) -> Stream:
    """The same request through the openai package's ``AsyncStream``."""
    client = openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0)

    async def stream() -> AsyncGenerator[str, None]:
        answer = await client.chat.completions.create(
            model="bench",
            messages=[{"role": "user", "content": "How are you?"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        async with answer:
            async for chunk in answer:
                if chunk.choices and chunk.choices[0].delta.content:
                    yield chunk.choices[0].delta.content

    return stream


WAYS: dict[str, Callable[[str], Stream]] = {
    "chat-completions": adapter,
    "chat-completions on httpx": adapter_on_httpx,
    "chat-completions on aiohttp": adapter_on_aiohttp,
    "openai SDK": sdk,
}


def application(stream: Stream) -> Litestar:
    """Serves ``stream`` as chat completion, and what the process has used."""

    async def parts() -> AsyncGenerator[Part, None]:
        yield Head(headers={})
        async with aclosing(stream()) as words:
            async for word in words:
                yield server_sent_event(Chunk(choices=(Choice(delta=Delta(content=word)),)))
        yield b"data: [DONE]\n\n"

    @post("/v1/chat/completions")
    async def chat() -> StreamingResponse:
        return StreamingResponse(Streaming(parts=parts(), content_type=EVENT_STREAM))

    @get("/used")
    async def used() -> Used:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return Used(cpu_seconds=time.process_time(), memory=memory)

    return Litestar([chat, used], openapi_config=None, logging_config=None)


def main(way: str, base_url: str) -> None:
    """Serve until the process is ended."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # a client that reads the port may connect at once
        print(listener.getsockname()[1], flush=True)
        limits.IDLE_SECONDS = 600  # the client's connections stay open while the other ways have their rounds
        GatewayServer(application(WAYS[way](base_url)), load((), {}).settings).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

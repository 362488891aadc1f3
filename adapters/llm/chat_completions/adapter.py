"""The engine ``chat-completions``: any server that speaks OpenAI's Chat Completions API."""

from collections.abc import AsyncGenerator

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.llm.chat_completions.events import Events
from adapters.llm.chat_completions.request import body
from adapters.upstream import Upstream, UpstreamOptions


class ChatCompletions:
    """A language model behind ``POST /chat/completions``; raises ``BadOption`` as ``Upstream`` does."""

    Options = UpstreamOptions
    info = llm.Info(images=True, audio=True, tools=True)

    def __init__(self, options: UpstreamOptions) -> None:
        self._options = options
        self._upstream = Upstream("chat-completions", options)

    async def warm_up(self) -> None:
        """Open a connection; a server that is not there yet is only logged."""
        await self._upstream.warm_up()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._upstream.aclose()

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        """Write one answer. Raises ``AdapterError`` while iterated."""
        sent = body(request, self._options, openai=self._upstream.is_openai)
        events = Events(self._upstream.failure, self._upstream.nonsense)
        async with self._upstream.post("/chat/completions", sent) as answer:
            yield Started()
            if sent["stream"]:
                async for chunk in answer:
                    for event in events.feed(chunk.data):
                        yield event
            else:
                for event in events.feed(await answer.whole()):
                    yield event
            last = list(events.finish())
            await answer.finish()
        for event in last:
            yield event

"""The engine ``responses-api``: any server that speaks OpenAI's Responses API."""

from collections.abc import AsyncGenerator

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.llm.responses.events import Events
from adapters.llm.responses.request import body, ignored
from adapters.upstream import Upstream, UpstreamOptions


class Responses:
    """A language model behind ``POST /responses``; raises ``BadOption`` as ``Upstream`` does."""

    Options = UpstreamOptions
    info = llm.Info(images=True, tools=True)

    def __init__(self, options: UpstreamOptions) -> None:
        self._options = options
        self._upstream = Upstream("responses-api", options)

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
        async with self._upstream.post("/responses", sent) as answer:
            yield Started(ignored=ignored(request, self._options))
            if sent["stream"]:
                async for received in answer:
                    for event in events.feed(received.data):
                        yield event
                    if events.done:
                        break
            else:
                for event in events.whole(await answer.whole()):
                    yield event
            last = list(events.finish())
            await answer.finish()
        for event in last:
            yield event

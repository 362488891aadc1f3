"""The engine ``responses-api``: any server that speaks OpenAI's Responses API."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from adapters.contract import llm
from adapters.llm.decoding.start_state import StartStates
from adapters.llm.responses.events import Events
from adapters.llm.responses.request import body, ignored, route
from adapters.upstream import Call, Upstream, UpstreamOptions


class Responses:
    """A language model behind ``POST /responses``; raises ``BadOption`` as ``Upstream`` does."""

    Options = UpstreamOptions
    info = llm.Info(images=True, tools=True)

    def __init__(self, options: UpstreamOptions) -> None:
        self._options = options
        self._upstream = Upstream("responses-api", options)
        self._start_states = StartStates(hosted=self._upstream.is_openai)

    async def warm_up(self) -> None:
        """Open a connection; a server that is not there yet is only logged."""
        await self._upstream.warm_up()

    async def aclose(self) -> None:
        """Close the connections that no other adapter uses."""
        await self._upstream.aclose()

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        """Write one answer. Raises ``AdapterError`` while iterated."""
        sent = body(request, self._options, openai=self._upstream.is_openai)
        call = Call(
            path="/responses", body=sent, mapping=lambda: self._events(request), ignored=ignored(request, self._options)
        )
        async with aclosing(self._upstream.answer(call)) as events:
            async for event in events:
                yield event

    def _events(self, request: llm.Request) -> Events:
        failures = self._upstream.failures
        return Events(
            failures.reported,
            failures.nonsense,
            route=route(request, self._options),
            start=self._start_states.of(request),
            tools=request.tools,
        )

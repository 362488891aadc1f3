"""The engine ``responses-api``: any server with OpenAI's Responses API."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from adapters.contract import llm
from adapters.contract.passthrough import PassEvent, PassRequest, WireProtocol
from adapters.contract.probe import Probe
from adapters.llm.answer_limits import LimitExceeded
from adapters.llm.decoding.start_state import StartStates
from adapters.llm.responses.events import ResponsesReader
from adapters.llm.responses.observer import ResponsesObserver
from adapters.llm.responses.request import body, earlier_items, ignored, is_given, passed_body, route, route_of
from adapters.remote_media import RemoteMedia
from adapters.upstream import CompletionCall, ForwardCall, ServerEngine, UpstreamClient, UpstreamOptions
from adapters.upstream.options import DESCRIPTION
from adapters.upstream.probe.server_probe import ProbedApi, server_probe

_API = ProbedApi(
    engine="responses-api",
    path="/responses",
    effort_field="reasoning.effort",
    write=lambda request, options, openai: body(request, options, openai=openai),
)


class Responses(ServerEngine):
    """A language model behind ``POST /responses``; raises ``BadOption`` as ``UpstreamClient`` does."""

    Options = UpstreamOptions
    description = msgspec.structs.replace(DESCRIPTION, selected_by=("responses_api_",))
    info = llm.Info(images=True, tools=True, json_answers=True)

    def __init__(self, options: UpstreamOptions) -> None:
        self._options = options
        super().__init__(UpstreamClient("responses-api", options))
        self._media = RemoteMedia(options.remote_media, reads_urls=self._upstream.is_openai)
        self._start_states = StartStates(hosted=self._upstream.is_openai)

    @classmethod
    def probe(cls, options: UpstreamOptions, request: llm.Request) -> Probe:
        """What to ask the server that ``options`` name. Raises ``BadOption``."""
        return server_probe(_API, options, request)

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        """Write one answer. Raises ``AdapterError`` while iterated."""
        async with self._media.inlined(request.messages) as messages:
            whole = msgspec.structs.replace(request, messages=messages)
            call = CompletionCall(
                path="/responses",
                body=body(whole, self._options, openai=self._upstream.is_openai),
                make_reader=lambda: self._reader(request),
                ignored=ignored(request, self._options),
            )
            try:
                async with aclosing(self._upstream.stream(call)) as events:
                    async for event in events:
                        yield event
            except LimitExceeded as error:
                raise self._upstream.errors.upstream_error(error.what) from error

    @property
    def protocol(self) -> WireProtocol | None:
        """Requests can be passed on unless the server must not stream."""
        return "responses" if self._options.responses_api_stream else None

    async def forward(self, request: PassRequest) -> AsyncGenerator[PassEvent, None]:
        """Have the server write one answer. Raises ``AdapterError`` while iterated."""
        media = self._media
        items = earlier_items(request, self._options)
        shown = {"history": [item if is_given(item) else None for item in items]}  # URLs of its own a server knows
        async with media.inlined_body(shown, "history") as inlined, media.inlined_body(request.body, "input") as given:
            whole = msgspec.structs.replace(request, body=given)
            earlier = [there or item for there, item in zip(inlined["history"], items, strict=True)]
            call = ForwardCall(
                path="/responses",
                body=passed_body(whole, earlier, self._options, openai=self._upstream.is_openai),
                make_observer=lambda: ResponsesObserver(
                    self._upstream.errors, route=route_of(request.model, self._options), recorded=request.recorded
                ),
                recorded=request.recorded,
                relay=request.relay,
            )
            async with aclosing(self._upstream.forward(call)) as events:
                async for event in events:
                    yield event

    def _reader(self, request: llm.Request) -> ResponsesReader:
        return ResponsesReader(
            self._upstream.errors,
            route=route(request, self._options),
            start=self._start_states.of(request),
            tools=request.tools,
        )

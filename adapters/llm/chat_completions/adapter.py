"""The engine ``chat-completions``: any server with OpenAI's Chat Completions API."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from adapters.contract import llm
from adapters.contract.passthrough import PassEvent, PassRequest, WireProtocol
from adapters.contract.probe import Probe
from adapters.llm.answer_limits import LimitExceeded
from adapters.llm.chat_completions.events import ChatCompletionReader
from adapters.llm.chat_completions.observer import ChatCompletionObserver
from adapters.llm.chat_completions.request import body, passed_body, route
from adapters.llm.decoding.start_state import StartStates
from adapters.remote_media import RemoteMedia
from adapters.upstream import CompletionCall, ForwardCall, ServerEngine, UpstreamClient, UpstreamOptions
from adapters.upstream.options import DESCRIPTION
from adapters.upstream.probe.server_probe import ProbedApi, server_probe

_API = ProbedApi(
    engine="chat-completions",
    path="/chat/completions",
    effort_field="reasoning_effort",
    write=lambda request, options, openai: body(request, options, openai=openai),
)


class ChatCompletions(ServerEngine):
    """A language model behind ``POST /chat/completions``; raises ``BadOption`` as ``UpstreamClient`` does."""

    Options = UpstreamOptions
    description = msgspec.structs.replace(DESCRIPTION, takes_audio=True)
    info = llm.Info(images=True, audio=True, tools=True, json_answers=True)

    def __init__(self, options: UpstreamOptions) -> None:
        self._options = options
        super().__init__(UpstreamClient("chat-completions", options))
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
            sent = body(whole, self._options, openai=self._upstream.is_openai)
            call = CompletionCall(path="/chat/completions", body=sent, make_reader=lambda: self._reader(request))
            try:
                async with aclosing(self._upstream.stream(call)) as events:
                    async for event in events:
                        yield event
            except LimitExceeded as error:
                raise self._upstream.errors.upstream_error(error.what) from error

    @property
    def protocol(self) -> WireProtocol | None:
        """Requests can be passed on unless the server must not stream."""
        return "chat-completions" if self._options.responses_api_stream else None

    async def forward(self, request: PassRequest) -> AsyncGenerator[PassEvent, None]:
        """Have the server write one answer. Raises ``AdapterError`` while iterated."""
        wants_usage = bool((request.body.get("stream_options") or {}).get("include_usage"))
        async with self._media.inlined_body(request.body, "messages") as given:
            whole = msgspec.structs.replace(request, body=given)
            call = ForwardCall(
                path="/chat/completions",
                body=passed_body(whole, self._options, openai=self._upstream.is_openai),
                make_observer=lambda: ChatCompletionObserver(
                    self._upstream.errors, wants_usage=wants_usage, choices=request.body.get("n") or 1
                ),
                relay=request.relay,
            )
            async with aclosing(self._upstream.forward(call)) as events:
                async for event in events:
                    yield event

    def _reader(self, request: llm.Request) -> ChatCompletionReader:
        return ChatCompletionReader(
            self._upstream.errors,
            route=route(request, self._options),
            start=self._start_states.of(request),
            tools=request.tools,
        )

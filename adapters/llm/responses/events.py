"""Reads the events of a response, streamed or whole, into the contract's events; pure."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import AdapterError
from adapters.llm import provider_state
from adapters.llm.decoding.reasoning_parser import Delta, ReasoningParser
from adapters.llm.decoding.start_state import StartState
from adapters.llm.responses import shapes
from adapters.llm.responses.function_calls import FunctionCalls


class Events:
    """The state of one answer: ``feed`` every event until ``done``, or the ``whole`` response at once; then ``finish``.

    ``failure`` makes the error for an error object that the server sent, ``nonsense`` the one for what cannot be read.
    ``route`` is where the answer comes from (``provider_state.route``); without it nothing is kept for its provider.
    ``start`` is the model's (``StartStates``), ``tools`` are the request's.
    """

    def __init__(
        self,
        failure: Callable[[Any], AdapterError],
        nonsense: Callable[[str], AdapterError],
        *,
        route: str = "",
        start: StartState | None = None,
        tools: tuple[llm.Tool, ...] = (),
    ) -> None:
        self._failure = failure
        self._nonsense = nonsense
        self._route = route
        self._parser = ReasoningParser(start or StartState())
        self._calls = FunctionCalls(nonsense, tools)
        self._reasoned: list[dict[str, Any]] = []  # reasoning items, until it is known what they led to
        self._kept: list[dict[str, Any]] = []
        self._began = False
        self._final: shapes.Response | None = None

    @property
    def done(self) -> bool:
        """Whether the response is complete; nothing that comes after it matters."""
        return self._final is not None

    def feed(self, data: bytes) -> Iterator[llm.Event]:
        """The events of one event of the server. Raises ``AdapterError``."""
        try:
            event = shapes.decode_event(data)
        except msgspec.DecodeError as error:
            raise self._nonsense("sent something that is not an event of a response") from error
        match event.type:
            case "response.output_text.delta":
                yield from self._text(event.delta, self._parser.feed)
            case "response.refusal.delta":
                yield from self._refusal(event.delta)
            case "response.reasoning_text.delta" | "response.reasoning_summary_text.delta":
                yield from self._reasoning(event.delta)
            case "response.function_call_arguments.delta":
                yield from self._calls.grow(event)
            case "response.function_call_arguments.done":
                yield from self._calls.complete(event)
            case "response.output_item.added" if event.item and event.item.type == "function_call":
                yield from self._call(self._calls.begin(event.item, event.output_index))
            case "response.output_item.done" if event.item and event.item.type == "function_call":
                yield from self._call(self._calls.item_done(event.item, event.output_index))
            case "response.output_item.done" if event.item and event.item.type == "reasoning":
                self._reasoned.append(msgspec.json.decode(data)["item"])
            case "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled":
                yield from self._end(event.response or shapes.Response(), event.type.removeprefix("response."), data)
            case "error":
                raise self._failure(msgspec.json.decode(data))
            case None if event.error:
                raise self._failure(msgspec.json.decode(data))

    def whole(self, data: bytes) -> Iterator[llm.Event]:
        """The events of a response that came in one piece. Raises ``AdapterError``."""
        try:
            response = shapes.decode_response(data)
        except msgspec.DecodeError as error:
            raise self._nonsense("sent something that is not a response") from error
        yield from self._end(response, "failed" if response.error else response.status or "completed", data)

    def finish(self) -> Iterator[llm.Event]:
        """What is left to say at the end of the stream. Raises ``AdapterError`` when the answer is not complete."""
        if self._final is None:
            raise self._nonsense("ended its answer in the middle")
        reason: llm.FinishReason = "tool_calls" if self._calls else "stop"
        if details := self._final.incomplete_details:
            reason = "content_filter" if details.reason == "content_filter" else "length"
        yield from self._parser.finish(reason)
        yield from self._calls.finish()
        usage = self._final.usage
        yield llm.Finished(reason=reason, usage=usage.counted() if usage else None, extra=self._for_the_provider())

    def _end(self, response: shapes.Response, status: str, data: bytes) -> Iterator[llm.Event]:
        match status:
            case "completed":
                response.incomplete_details = None
            case "incomplete":
                response.incomplete_details = response.incomplete_details or shapes.Incomplete()
            case "failed":
                raise self._failure(response.error)
            case _:
                raise self._nonsense(f"left its answer {status[:40]!r}")
        if not self._began:  # nothing was streamed: the response itself brings it all
            decoded = msgspec.json.decode(data)
            raw = (decoded.get("response") or decoded).get("output")
            for item, untouched in zip(response.output or (), raw or (), strict=True):
                yield from self._item(item, untouched)
        self._final = response

    def _item(self, item: shapes.Item, untouched: dict[str, Any]) -> Iterator[llm.Event]:
        match item.type:
            case "message":
                for part in _parts(item.content):
                    yield from self._text(part.get("text"), self._parser.whole)
                    yield from self._refusal(part.get("refusal"))
            case "reasoning":
                for part in (*_parts(item.summary), *_parts(item.content)):
                    yield from self._reasoning(part.get("text"))
                self._reasoned.append(untouched)
            case "function_call":
                yield from self._call(self._calls.item_done(item, None))

    def _text(self, text: Any, read: Callable[[str], Iterator[Delta]]) -> Iterator[llm.Event]:
        if text and isinstance(text, str):
            self._began = True
            self._led_to(None)
            yield from read(text)

    def _refusal(self, text: Any) -> Iterator[llm.Event]:
        if text and isinstance(text, str):
            self._began = True
            self._led_to(None)
            yield llm.TextDelta(text=text)

    def _reasoning(self, text: Any) -> Iterator[llm.Event]:
        if text and isinstance(text, str):
            self._began = True
            yield from self._parser.report()
            yield llm.ReasoningDelta(text=text)

    def _call(self, events: Iterator[llm.Event]) -> Iterator[llm.Event]:
        for event in events:
            if isinstance(event, llm.ToolCallStarted):
                self._began = True
                self._led_to(event.call_id)
            yield event

    def _led_to(self, call_id: str | None) -> None:
        """The reasoning so far led to the call ``call_id``, or to the text: there it belongs when it is sent back."""
        self._kept += [{"before": call_id, "item": item} for item in self._reasoned]
        self._reasoned.clear()

    def _for_the_provider(self) -> dict[str, Any]:
        """What can be sent back and is of use, for ``request.body``: encrypted reasoning, and what led to calls."""
        items = [
            kept
            for kept in self._kept
            if kept["item"].get("encrypted_content") or (self._calls and kept["item"].get("content"))
        ]
        return provider_state.kept(self._route, {"items": items} if items else {})


def _parts(content: Any) -> list[dict[str, Any]]:
    """The content parts in any of their kinds."""
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []

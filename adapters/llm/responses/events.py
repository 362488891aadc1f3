"""Turns the events of a response, streamed or not, into the contract's events; pure."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.llm import provider_state
from adapters.llm.decoding.reasoning_parser import Delta, ReasoningParser
from adapters.llm.decoding.start_state import StartState
from adapters.llm.responses import wire
from adapters.llm.responses.tool_calls import ToolCalls
from adapters.upstream import ErrorFactory


class ResponsesReader:
    """The state of one answer: ``feed`` every event until ``done``, or the ``whole`` response at once; then ``finish``.

    ``route`` says where the answer comes from (``provider_state.route``); without it nothing is kept for its provider.
    ``start`` is the model's (``StartStates``), ``tools`` are the request's.
    """

    def __init__(
        self,
        errors: ErrorFactory,
        *,
        route: str = "",
        start: StartState | None = None,
        tools: tuple[llm.Tool, ...] = (),
    ) -> None:
        self._errors = errors
        self._route = route
        self._parser = ReasoningParser(start or StartState())
        self._calls = ToolCalls(errors, tools)
        self._reasoning_items: list[dict[str, Any]] = []  # until it is known what follows them
        self._kept: list[dict[str, Any]] = []
        self._began = False
        self._final: wire.Response | None = None

    @property
    def done(self) -> bool:
        """Whether the response is complete; later events are ignored."""
        return self._final is not None

    def feed(self, data: bytes) -> Iterator[llm.Event]:
        """The events of one event of the server. Raises ``AdapterError``."""
        try:
            event = wire.decode_event(data)
        except msgspec.DecodeError as error:
            raise self._errors.upstream_error("sent something that is not an event of a response") from error
        match event.type:
            case "response.output_text.delta":
                yield from self._text(event.delta, self._parser.feed)
            case "response.refusal.delta":
                yield from self._refusal(event.delta)
            case "response.reasoning_text.delta" | "response.reasoning_summary_text.delta":
                yield from self._reasoning(event.delta)
            case "response.function_call_arguments.delta":
                yield from self._calls.append(event)
            case "response.function_call_arguments.done":
                yield from self._calls.complete(event)
            case "response.output_item.added" if event.item and event.item.type == "function_call":
                yield from self._call(self._calls.begin(event.item, event.output_index))
            case "response.output_item.done" if event.item and event.item.type == "function_call":
                yield from self._call(self._calls.item_done(event.item, event.output_index))
            case "response.output_item.done" if event.item and event.item.type == "reasoning":
                self._reasoning_items.append(msgspec.json.decode(data)["item"])
            case "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled":
                yield from self._end(event.response or wire.Response(), event.type.removeprefix("response."), data)
            case "error":
                raise self._errors.reported(msgspec.json.decode(data))
            case None if event.error:
                raise self._errors.reported(msgspec.json.decode(data))

    def whole(self, data: bytes) -> Iterator[llm.Event]:
        """The events of a response that was not streamed. Raises ``AdapterError``."""
        try:
            response = wire.decode_response(data)
        except msgspec.DecodeError as error:
            raise self._errors.upstream_error("sent something that is not a response") from error
        yield from self._end(response, "failed" if response.error else response.status or "completed", data)

    def finish(self) -> Iterator[llm.Event]:
        """The last events, at the end of the stream. Raises ``AdapterError`` when the answer is not complete."""
        if self._final is None:
            raise self._errors.upstream_error("ended its answer in the middle")
        reason: llm.FinishReason = "tool_calls" if self._calls else "stop"
        if details := self._final.incomplete_details:
            reason = "content_filter" if details.reason == "content_filter" else "length"
        yield from self._parser.finish(reason)
        yield from self._calls.finish()
        usage = self._final.usage
        yield llm.Finished(reason=reason, usage=usage.counted() if usage else None, extra=self._kept_for_provider())

    def _end(self, response: wire.Response, status: str, data: bytes) -> Iterator[llm.Event]:
        match status:
            case "completed":
                response.incomplete_details = None
            case "incomplete":
                response.incomplete_details = response.incomplete_details or wire.Incomplete()
            case "failed":
                raise self._errors.reported(response.error)
            case _:
                raise self._errors.upstream_error(f"ended its answer with the status {status[:40]!r}")
        if not self._began:  # nothing was streamed: the response has the content
            decoded = msgspec.json.decode(data)
            raw = (decoded.get("response") or decoded).get("output")
            for item, raw_item in zip(response.output or (), raw or (), strict=True):
                yield from self._item(item, raw_item)
        self._final = response

    def _item(self, item: wire.Item, raw: dict[str, Any]) -> Iterator[llm.Event]:
        match item.type:
            case "message":
                for part in _parts(item.content):
                    yield from self._text(part.get("text"), self._parser.whole)
                    yield from self._refusal(part.get("refusal"))
            case "reasoning":
                for part in (*_parts(item.summary), *_parts(item.content)):
                    yield from self._reasoning(part.get("text"))
                self._reasoning_items.append(raw)
            case "function_call":
                yield from self._call(self._calls.item_done(item, None))

    def _text(self, text: Any, read: Callable[[str], Iterator[Delta]]) -> Iterator[llm.Event]:
        if text and isinstance(text, str):
            self._began = True
            self._place_reasoning(None)
            yield from read(text)

    def _refusal(self, text: Any) -> Iterator[llm.Event]:
        if text and isinstance(text, str):
            self._began = True
            self._place_reasoning(None)
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
                self._place_reasoning(event.call_id)
            yield event

    def _place_reasoning(self, call_id: str | None) -> None:
        """Note that the reasoning items so far belong before the call ``call_id``, or before the text."""
        self._kept += [{"before": call_id, "item": item} for item in self._reasoning_items]
        self._reasoning_items.clear()

    def _kept_for_provider(self) -> dict[str, Any]:
        """What the provider wants back (``request.body`` sends it): encrypted reasoning, and reasoning before calls."""
        items = [
            kept
            for kept in self._kept
            if kept["item"].get("encrypted_content") or (self._calls and kept["item"].get("content"))
        ]
        return provider_state.kept(self._route, {"items": items} if items else {})


def _parts(content: Any) -> list[dict[str, Any]]:
    """The content parts that are objects."""
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []

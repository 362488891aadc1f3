"""Reads the events of a response, streamed or whole, into the contract's events; pure."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import msgspec

from adapters.contract import llm
from adapters.contract.errors import AdapterError


class _Item(msgspec.Struct, gc=False):
    """An output item: a message, the model's reasoning, or a function call."""

    type: str | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    content: Any = None
    summary: Any = None


class _Incomplete(msgspec.Struct, gc=False):
    reason: str | None = None


class _InputDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None


class _OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


class _Response(msgspec.Struct, gc=False):
    status: str | None = None
    output: list[_Item] | None = None
    incomplete_details: _Incomplete | None = None
    usage: _Usage | None = None
    error: Any = None


class _Event(msgspec.Struct, gc=False):
    """The fields of all event types that are used here."""

    type: str | None = None
    delta: Any = None
    arguments: Any = None
    item: _Item | None = None
    item_id: str | None = None
    output_index: int | None = None
    response: _Response | None = None
    error: Any = None


class _OpenCall(msgspec.Struct):
    call_id: str
    name: str
    arguments: str = ""
    finished: bool = False


_decode = msgspec.json.Decoder(_Event).decode
_decode_whole = msgspec.json.Decoder(_Response).decode


class Events:
    """The state of one answer: ``feed`` every event until ``done``, or the ``whole`` response at once; then ``finish``.

    ``failure`` makes the error for an error object that the server sent, ``nonsense`` the one for what cannot be read.
    """

    def __init__(self, failure: Callable[[Any], AdapterError], nonsense: Callable[[str], AdapterError]) -> None:
        self._failure = failure
        self._nonsense = nonsense
        self._calls: list[_OpenCall] = []
        # Servers differ in which of the two they keep constant over the pieces of a call.
        self._by_key: dict[str | int, _OpenCall] = {}
        self._began = False
        self._final: _Response | None = None

    @property
    def done(self) -> bool:
        """Whether the response is complete; nothing that comes after it matters."""
        return self._final is not None

    def feed(self, data: bytes) -> Iterator[llm.Event]:
        """The events of one event of the server. Raises ``AdapterError``."""
        try:
            event = _decode(data)
        except msgspec.DecodeError as error:
            raise self._nonsense("sent something that is not an event of a response") from error
        match event.type:
            case "response.output_text.delta" | "response.refusal.delta":
                yield from self._text(event.delta)
            case "response.reasoning_text.delta" | "response.reasoning_summary_text.delta":
                yield from self._reasoning(event.delta)
            case "response.output_item.added" if event.item:
                yield from self._begin(event.item, event.output_index)
            case "response.function_call_arguments.delta":
                if call := self._find(event.item_id, event.output_index):
                    yield from self._grow(call, event.delta)
            case "response.function_call_arguments.done":
                if call := self._find(event.item_id, event.output_index):
                    yield from self._complete(call, event.arguments)
            case "response.output_item.done" if event.item:
                yield from self._item_done(event.item, event.output_index)
            case "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled":
                yield from self._end(event.response or _Response(), event.type.removeprefix("response."))
            case "error":
                raise self._failure(msgspec.json.decode(data))
            case None if event.error:
                raise self._failure(msgspec.json.decode(data))

    def whole(self, data: bytes) -> Iterator[llm.Event]:
        """The events of a response that came in one piece. Raises ``AdapterError``."""
        try:
            response = _decode_whole(data)
        except msgspec.DecodeError as error:
            raise self._nonsense("sent something that is not a response") from error
        yield from self._end(response, "failed" if response.error else response.status or "completed")

    def finish(self) -> Iterator[llm.Event]:
        """What is left to say at the end of the stream. Raises ``AdapterError`` when the answer is not complete."""
        if self._final is None:
            raise self._nonsense("ended its answer in the middle")
        for call in self._calls:
            yield from self._complete(call, None)
        reason: llm.FinishReason = "tool_calls" if self._calls else "stop"
        if details := self._final.incomplete_details:
            reason = "content_filter" if details.reason == "content_filter" else "length"
        yield llm.Finished(reason=reason, usage=_usage(self._final.usage))

    def _end(self, response: _Response, status: str) -> Iterator[llm.Event]:
        match status:
            case "completed":
                response.incomplete_details = None
            case "incomplete":
                response.incomplete_details = response.incomplete_details or _Incomplete()
            case "failed":
                raise self._failure(response.error)
            case _:
                raise self._nonsense(f"left its answer {status[:40]!r}")
        if not self._began:  # nothing was streamed: the response itself brings it all
            for item in response.output or ():
                yield from self._item(item)
        self._final = response

    def _item(self, item: _Item) -> Iterator[llm.Event]:
        match item.type:
            case "message":
                for text in _texts(item.content):
                    yield from self._text(text)
            case "reasoning":
                for text in (*_texts(item.summary), *_texts(item.content)):
                    yield from self._reasoning(text)
            case "function_call":
                yield from self._item_done(item, None)

    def _text(self, text: Any) -> Iterator[llm.Event]:
        if text and isinstance(text, str):
            self._began = True
            yield llm.TextDelta(text=text)

    def _reasoning(self, text: Any) -> Iterator[llm.Event]:
        if text and isinstance(text, str):
            self._began = True
            yield llm.ReasoningDelta(text=text)

    def _begin(self, item: _Item, output_index: int | None) -> Iterator[llm.Event]:
        if item.type != "function_call" or not item.name:
            return
        taken = {call.call_id for call in self._calls}
        call_id = item.call_id if item.call_id and item.call_id not in taken else f"call_{uuid4().hex}"
        call = _OpenCall(call_id=call_id, name=item.name)
        self._began = True
        self._calls.append(call)
        self._by_key.update({key: call for key in (item.id, output_index) if key is not None})
        yield llm.ToolCallStarted(call_id=call.call_id, name=call.name)

    def _item_done(self, item: _Item, output_index: int | None) -> Iterator[llm.Event]:
        if item.type != "function_call":
            return
        if not item.name:
            raise self._nonsense("called a tool without naming it")
        call = next((call for call in self._calls if call.call_id == item.call_id), None)
        call = call or self._find(item.id, output_index)
        if call is None:
            yield from self._begin(item, output_index)
            call = self._calls[-1]
        yield from self._complete(call, item.arguments)

    def _find(self, item_id: str | None, output_index: int | None) -> _OpenCall | None:
        keys = (key for key in (item_id, output_index) if key is not None)
        return next((self._by_key[key] for key in keys if key in self._by_key), None)

    def _grow(self, call: _OpenCall, arguments: Any) -> Iterator[llm.Event]:
        if arguments and isinstance(arguments, str) and not call.finished:
            call.arguments += arguments
            yield llm.ToolCallDelta(call_id=call.call_id, arguments=arguments)

    def _complete(self, call: _OpenCall, arguments: Any) -> Iterator[llm.Event]:
        """Finish ``call`` once; what ``arguments``, its whole JSON text, adds to the pieces is sent before."""
        if call.finished:
            return
        if isinstance(arguments, str) and arguments.startswith(call.arguments):
            yield from self._grow(call, arguments[len(call.arguments) :])
        if not call.arguments:
            yield from self._grow(call, "{}")
        call.finished = True
        yield llm.ToolCallFinished(call_id=call.call_id, name=call.name, arguments=call.arguments)


def _texts(parts: Any) -> list[Any]:
    """The texts of content parts in any of their kinds."""
    if not isinstance(parts, list):
        return []
    return [part.get("text") or part.get("refusal") for part in parts if isinstance(part, dict)]


def _usage(usage: _Usage | None) -> llm.Usage | None:
    if usage is None:
        return None
    cached = usage.input_tokens_details.cached_tokens if usage.input_tokens_details else None
    reasoning = usage.output_tokens_details.reasoning_tokens if usage.output_tokens_details else None
    return llm.Usage(
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        cached_tokens=cached or 0,
        reasoning_tokens=reasoning or 0,
    )

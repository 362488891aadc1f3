"""Looks at a response as it passes by: its end with usage and output, failures, and whether content has come."""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import AdapterError
from adapters.contract.passthrough import Passed
from adapters.llm.answer_limits import LimitExceeded
from adapters.llm.responses import wire
from adapters.llm.responses.events import ResponsesReader
from adapters.upstream import ErrorFactory, UnreadableJson, decode_any, is_shallow
from adapters.upstream.sse import event_in, split_events

# What is in events that state an item whole, end a response, or say that it failed: all others are passed on unread.
_NOTABLE = (
    b"response.output_item.done",
    b"response.completed",
    b"response.incomplete",
    b"response.failed",
    b"response.cancelled",
    b"response.done",
    b'"error"',
    b"event: error",
    b"event:error",
)

_BEFORE_CONTENT = frozenset(("response.created", "response.in_progress", "response.queued", "keepalive", ""))
_ENDS = frozenset(("completed", "incomplete", "failed", "cancelled", "done"))


class ResponsesObserver:
    """The state of one answer; with ``recorded`` its message and the whole response are kept.

    ``route`` says where the answer comes from (``provider_state.route``).
    """

    awaits_usage = False
    """It comes with the end of a response."""

    end = b""
    """The last event is the end."""

    def __init__(self, errors: ErrorFactory, *, route: str, recorded: bool) -> None:
        self.begun = self.thinks = False
        self.done = False
        """Whether the response has ended."""
        self.answer_id: str | None = None
        self._errors = errors
        self._route = route
        self._recorded = recorded
        self._items: list[dict[str, Any]] = []
        self._final: wire.Response | None = None
        self._status = ""
        self._document = b""
        self._failure: AdapterError | None = None

    def see(self, events: bytes) -> bytes:
        """All of ``events``. Raises ``AdapterError`` for a failure before content."""
        if not self.begun or _is_notable(events):
            for raw in split_events(events):
                event = event_in(raw)
                if event is not None and not event.is_done:
                    self._see(event.data, event.name)
        return events

    def _see(self, data: bytes, name: str | None) -> None:
        try:
            event = wire.decode_event(data)
        except UnreadableJson as error:
            if not self.begun:
                raise self._errors.upstream_error("sent something that is not an event of a response") from error
            return
        kind = event.type or name or ""
        self.answer_id = self.answer_id or (event.response.id if event.response else None)
        status = kind.removeprefix("response.")
        if kind == "error" or (not kind and event.error):
            self._fail(self._errors.reported_in(data))
        elif status in _ENDS and event.response is not None:
            self._end(event.response, status, data)
        elif kind not in _BEFORE_CONTENT:
            self.begun = True
            self.thinks = kind == "response.output_item.added" and b'"reasoning"' in data
            if status == "output_item.done" and event.item is not None:
                self._items.append(event.item)

    def _end(self, response: wire.Response, status: str, data: bytes) -> None:
        if response.error or "failed" in (status, response.status):
            self._fail(self._errors.reported(response.error))
        self.begun = self.done = True
        self._final, self._status, self._document = response, response.status or status, data

    def see_document(self, document: bytes) -> None:
        """Look at a whole response. Raises ``AdapterError`` for anything else, and for one that failed."""
        try:
            response = wire.decode_response(document)
        except UnreadableJson as error:
            raise self._errors.upstream_error("sent something that is not a response") from error
        if response.output is None or response.status in ("failed", "cancelled", "in_progress", "queued"):
            raise (
                self._errors.reported(response.error)
                if response.error
                else self._errors.upstream_error("sent something that is not a complete response")
            )
        self.answer_id = response.id
        self._end(response, response.status or "completed", document)

    def _fail(self, error: AdapterError) -> None:
        if not self.begun:
            raise error
        self._failure = self._failure or error
        self.done = True

    def finish(self) -> Passed:
        """The end. Raises ``AdapterError`` when the response is not complete and the server did not say why."""
        final = self._final
        if final is None and self._failure is None:
            raise self._errors.upstream_error("ended its answer in the middle")
        if final is None or self._failure is not None or self._status == "cancelled":
            failure = self._failure.message if self._failure else "The upstream server cancelled the answer."
            usage = final.usage.counted() if final and final.usage else None
            return Passed(reason="stop", usage=usage, failure=failure)
        return self._passed(final)

    def _passed(self, final: wire.Response) -> Passed:
        """What a complete response came to, as the reader of responses understands it."""
        reader = ResponsesReader(self._errors, route=self._route)
        output = final.items or self._items  # the last event of some servers states no item again
        try:
            events = [*reader.whole(msgspec.json.encode(_restated(final, output))), *reader.finish()]
        except (AdapterError, LimitExceeded):  # the client has the answer all the same
            return Passed(reason="stop", usage=final.usage.counted() if final.usage else None)
        end = events[-1]
        assert isinstance(end, llm.Finished)
        if not self._recorded:
            return Passed(reason=end.reason, usage=end.usage)
        return Passed(
            reason=end.reason,
            usage=end.usage,
            message=_message(events, end),
            response=_response_in(self._document, output),
        )


def _restated(final: wire.Response, output: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "status": final.status,
        "output": output,
        "incomplete_details": final.incomplete_details,
        "usage": final.usage,
    }


def _message(events: list[llm.Event], end: llm.Finished) -> llm.Message:
    """The answer as a message of a history."""
    text = "".join(event.text for event in events if isinstance(event, llm.TextDelta))
    return llm.Message(
        role="assistant",
        parts=(
            *((llm.Text(text=text),) if text else ()),
            *_calls(events),
            *end.extra.get("opaque", ()),
        ),
    )


def _calls(events: list[llm.Event]) -> Iterator[llm.ToolCall]:
    for event in events:
        if isinstance(event, llm.ToolCallFinished):
            yield llm.ToolCall(call_id=event.call_id, name=event.name, arguments=event.arguments)


def _response_in(document: bytes, output: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The response in its last event, or in a document that is not streamed, with its ``output``.

    ``None`` if it cannot be kept.
    """
    value = decode_any(document)
    response = value.get("response", value) if isinstance(value, dict) else None
    whole = response | {"output": output} if isinstance(response, dict) else None
    return whole if is_shallow(whole) else None


def _is_notable(events: bytes) -> bool:
    """Whether ``events`` may say more than a piece of the answer."""
    for word in _NOTABLE:  # noqa: SIM110  asked of every event: a generator would take twice as long
        if word in events:
            return True
    return False

"""Joins the pieces of a response's tool calls, whichever keys the server uses; pure."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec

from adapters.contract import llm
from adapters.llm import tool_validation
from adapters.llm.responses import wire
from adapters.upstream import ErrorFactory


class _OpenCall(msgspec.Struct):
    call_id: str
    name: str
    arguments: str = ""
    finished: bool = False


class ToolCalls:
    """The tool calls of one response to a request with ``tools``.

    Each is started by ``begin``, extended by ``append``, ended by ``complete``, ``item_done`` or ``finish``.
    """

    def __init__(self, errors: ErrorFactory, tools: tuple[llm.Tool, ...] = ()) -> None:
        self._errors = errors
        self._tools = tools
        self._calls: list[_OpenCall] = []
        # Item id and output index: servers differ in which of the two is the same for all pieces of a call.
        self._by_key: dict[str | int, _OpenCall] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def begin(self, item: wire.Item, output_index: int | None) -> Iterator[llm.ToolCallStarted]:
        """Start the call ``item``, if it has a name."""
        if not item.name:
            return
        taken = {call.call_id for call in self._calls}
        call_id = item.call_id if item.call_id and item.call_id not in taken else f"call_{uuid4().hex}"
        call = _OpenCall(call_id=call_id, name=item.name)
        self._calls.append(call)
        self._by_key.update({key: call for key in (item.id, output_index) if key is not None})
        yield llm.ToolCallStarted(call_id=call.call_id, name=call.name)

    def append(self, event: wire.Event) -> Iterator[llm.Event]:
        """The next piece of a call's arguments."""
        if call := self._find(event.item_id, event.output_index):
            yield from self._append(call, event.delta)

    def complete(self, event: wire.Event) -> Iterator[llm.Event]:
        """The complete arguments of a call."""
        if call := self._find(event.item_id, event.output_index):
            yield from self._complete(call, event.arguments)

    def item_done(self, item: wire.Item, output_index: int | None) -> Iterator[llm.Event]:
        """The complete call ``item``. Raises ``AdapterError`` when it has no name."""
        if not item.name:
            raise self._errors.upstream_error("called a tool without naming it")
        call = next((call for call in self._calls if call.call_id == item.call_id), None)
        call = call or self._find(item.id, output_index)
        if call is None:
            yield from self.begin(item, output_index)
            call = self._calls[-1]
        yield from self._complete(call, item.arguments)

    def finish(self) -> Iterator[llm.Event]:
        """The ends of the calls that have not ended yet."""
        for call in self._calls:
            yield from self._complete(call, None)

    def _find(self, item_id: str | None, output_index: int | None) -> _OpenCall | None:
        keys = (key for key in (item_id, output_index) if key is not None)
        return next((self._by_key[key] for key in keys if key in self._by_key), None)

    def _append(self, call: _OpenCall, arguments: Any) -> Iterator[llm.Event]:
        if arguments and isinstance(arguments, str) and not call.finished:
            call.arguments += arguments
            yield llm.ToolCallDelta(call_id=call.call_id, arguments=arguments)

    def _complete(self, call: _OpenCall, arguments: Any) -> Iterator[llm.Event]:
        """Finish ``call`` once; first send the part of the complete ``arguments`` that was not streamed."""
        if call.finished:
            return
        if isinstance(arguments, dict):
            arguments = msgspec.json.encode(arguments).decode()
        if isinstance(arguments, str) and arguments.startswith(call.arguments):
            yield from self._append(call, arguments[len(call.arguments) :])
        if not call.arguments:
            yield from self._append(call, "{}")
        call.finished = True
        yield tool_validation.finished(call.call_id, call.name, call.arguments, self._tools)

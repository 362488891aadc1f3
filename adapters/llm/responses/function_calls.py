"""Joins the pieces of a response's function calls, whatever their keys; pure."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import msgspec

from adapters.contract import llm
from adapters.contract.errors import AdapterError
from adapters.llm import tool_validation
from adapters.llm.responses import shapes


class _OpenCall(msgspec.Struct):
    call_id: str
    name: str
    arguments: str = ""
    finished: bool = False


class FunctionCalls:
    """The function calls of one response to a request with ``tools``.

    ``begin`` each, ``grow`` or ``complete`` it, ``finish`` what is left.
    """

    def __init__(self, nonsense: Callable[[str], AdapterError], tools: tuple[llm.Tool, ...] = ()) -> None:
        self._nonsense = nonsense
        self._tools = tools
        self._calls: list[_OpenCall] = []
        # Servers differ in which of the two they keep constant over the pieces of a call.
        self._by_key: dict[str | int, _OpenCall] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def begin(self, item: shapes.Item, output_index: int | None) -> Iterator[llm.ToolCallStarted]:
        """The beginning of the call ``item``, if it says what it calls."""
        if not item.name:
            return
        taken = {call.call_id for call in self._calls}
        call_id = item.call_id if item.call_id and item.call_id not in taken else f"call_{uuid4().hex}"
        call = _OpenCall(call_id=call_id, name=item.name)
        self._calls.append(call)
        self._by_key.update({key: call for key in (item.id, output_index) if key is not None})
        yield llm.ToolCallStarted(call_id=call.call_id, name=call.name)

    def grow(self, event: shapes.Event) -> Iterator[llm.Event]:
        """The next piece of a call's arguments."""
        if call := self._find(event.item_id, event.output_index):
            yield from self._grow(call, event.delta)

    def complete(self, event: shapes.Event) -> Iterator[llm.Event]:
        """A call's arguments as a whole."""
        if call := self._find(event.item_id, event.output_index):
            yield from self._complete(call, event.arguments)

    def item_done(self, item: shapes.Item, output_index: int | None) -> Iterator[llm.Event]:
        """The call ``item`` as a whole. Raises ``AdapterError`` when it does not say what it calls."""
        if not item.name:
            raise self._nonsense("called a tool without naming it")
        call = next((call for call in self._calls if call.call_id == item.call_id), None)
        call = call or self._find(item.id, output_index)
        if call is None:
            yield from self.begin(item, output_index)
            call = self._calls[-1]
        yield from self._complete(call, item.arguments)

    def finish(self) -> Iterator[llm.Event]:
        """The ends of the calls that did not end."""
        for call in self._calls:
            yield from self._complete(call, None)

    def _find(self, item_id: str | None, output_index: int | None) -> _OpenCall | None:
        keys = (key for key in (item_id, output_index) if key is not None)
        return next((self._by_key[key] for key in keys if key in self._by_key), None)

    def _grow(self, call: _OpenCall, arguments: Any) -> Iterator[llm.Event]:
        if arguments and isinstance(arguments, str) and not call.finished:
            call.arguments += arguments
            yield llm.ToolCallDelta(call_id=call.call_id, arguments=arguments)

    def _complete(self, call: _OpenCall, arguments: Any) -> Iterator[llm.Event]:
        """Finish ``call`` once; what ``arguments``, all of them, add to the pieces is sent before."""
        if call.finished:
            return
        if isinstance(arguments, dict):
            arguments = msgspec.json.encode(arguments).decode()
        if isinstance(arguments, str) and arguments.startswith(call.arguments):
            yield from self._grow(call, arguments[len(call.arguments) :])
        if not call.arguments:
            yield from self._grow(call, "{}")
        call.finished = True
        yield tool_validation.finished(call.call_id, call.name, call.arguments, self._tools)

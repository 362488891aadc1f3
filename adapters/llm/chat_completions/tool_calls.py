"""Joins the pieces of a chat completion's tool calls, whatever their order and numbering; pure."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import msgspec

from adapters.contract import llm
from adapters.contract.errors import AdapterError
from adapters.llm import tool_validation
from adapters.llm.chat_completions import chunks


class _OpenCall(msgspec.Struct):
    """A call under way: it is started as soon as its name is known; arguments that come earlier are kept."""

    upstream_id: str | None
    call_id: str
    name: str = ""
    arguments: str = ""


class ToolCalls:
    """The tool calls of one answer to a request with ``tools``: ``feed`` every piece, then ``finish``.

    ``signatures`` are, by call id, the fields that their provider wants back.
    """

    def __init__(self, nonsense: Callable[[str], AdapterError], tools: tuple[llm.Tool, ...] = ()) -> None:
        self.signatures: dict[str, dict[str, Any]] = {}
        self._nonsense = nonsense
        self._tools = tools
        self._calls: list[_OpenCall] = []
        self._by_index: dict[int, _OpenCall] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def feed(self, piece: chunks.Call) -> Iterator[llm.Event]:
        """The events of one piece."""
        function = piece.function or chunks.Function()
        call = self._open(piece, function.name)
        for field in ("extra_content", "thought_signature"):
            if (value := getattr(piece, field)) is not None:
                self.signatures.setdefault(call.call_id, {})[field] = value
        if function.name and not call.name:
            call.name = function.name
            yield llm.ToolCallStarted(call_id=call.call_id, name=call.name)
            if call.arguments:
                yield llm.ToolCallDelta(call_id=call.call_id, arguments=call.arguments)
        arguments = function.arguments
        if arguments is not None and not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments).decode()
        if arguments:
            yield from self._grow(call, arguments)

    def finish(self) -> Iterator[llm.Event]:
        """The ends of all calls. Raises ``AdapterError`` for a call without a name."""
        for call in self._calls:
            if not call.name:
                raise self._nonsense("called a tool without naming it")
            if not call.arguments:
                yield from self._grow(call, "{}")
            yield tool_validation.finished(call.call_id, call.name, call.arguments, self._tools)

    def _open(self, piece: chunks.Call, name: str | None) -> _OpenCall:
        """The call that ``piece`` continues or begins."""
        call = self._by_index.get(piece.index) if piece.index is not None else next(reversed(self._calls), None)
        if call is None or (name and _is_another(call, piece)):
            taken = {other.call_id for other in self._calls}
            call_id = piece.id if piece.id and piece.id not in taken else f"call_{uuid4().hex}"
            call = _OpenCall(upstream_id=piece.id, call_id=call_id)
            self._calls.append(call)
        if piece.index is not None:
            self._by_index[piece.index] = call
        return call

    def _grow(self, call: _OpenCall, arguments: str) -> Iterator[llm.Event]:
        call.arguments += arguments
        if call.name:
            yield llm.ToolCallDelta(call_id=call.call_id, arguments=arguments)


def _is_another(call: _OpenCall, piece: chunks.Call) -> bool:
    """Whether ``piece``, which has a name, is of another call than ``call``, although its number says otherwise.

    Some servers number no piece, some number all calls alike: then another id tells, or that ``call`` is complete.
    """
    if piece.id and call.upstream_id:
        return piece.id != call.upstream_id
    return bool(
        call.name and not piece.id and piece.index is None and not tool_validation.fault(call.name, call.arguments)
    )

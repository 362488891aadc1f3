"""Joins the pieces of a chat completion's tool calls, in whatever order and numbering they come; pure."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec

from adapters.contract import llm
from adapters.llm import tool_validation
from adapters.llm.chat_completions import wire
from adapters.upstream import ErrorFactory


class _OpenCall(msgspec.Struct):
    """An unfinished call: it starts when its name is known; arguments that come earlier are kept."""

    upstream_id: str | None
    call_id: str
    name: str = ""
    arguments: str = ""


class ToolCalls:
    """The tool calls of one answer to a request with ``tools``: ``feed`` every piece, then ``finish``.

    ``signatures`` has, by call id, the fields that the provider wants back.
    """

    def __init__(self, errors: ErrorFactory, tools: tuple[llm.Tool, ...] = ()) -> None:
        self.signatures: dict[str, dict[str, Any]] = {}
        self._errors = errors
        self._tools = tools
        self._calls: list[_OpenCall] = []
        self._by_index: dict[int, _OpenCall] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def feed(self, piece: wire.ToolCallPiece) -> Iterator[llm.Event]:
        """The events of one piece."""
        function = piece.function or wire.Function()
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
            yield from self._append(call, arguments)

    def finish(self) -> Iterator[llm.Event]:
        """The ends of all calls. Raises ``AdapterError`` for a call without a name."""
        for call in self._calls:
            if not call.name:
                raise self._errors.upstream_error("called a tool without naming it")
            if not call.arguments:
                yield from self._append(call, "{}")
            yield tool_validation.finished(call.call_id, call.name, call.arguments, self._tools)

    def _open(self, piece: wire.ToolCallPiece, name: str | None) -> _OpenCall:
        """The call that ``piece`` belongs to; a new one if it begins a call."""
        call = self._by_index.get(piece.index) if piece.index is not None else next(reversed(self._calls), None)
        if call is None or (name and _is_another(call, piece)):
            taken = {other.call_id for other in self._calls}
            call_id = piece.id if piece.id and piece.id not in taken else f"call_{uuid4().hex}"
            call = _OpenCall(upstream_id=piece.id, call_id=call_id)
            self._calls.append(call)
        if piece.index is not None:
            self._by_index[piece.index] = call
        return call

    def _append(self, call: _OpenCall, arguments: str) -> Iterator[llm.Event]:
        call.arguments += arguments
        if call.name:
            yield llm.ToolCallDelta(call_id=call.call_id, arguments=arguments)


def _is_another(call: _OpenCall, piece: wire.ToolCallPiece) -> bool:
    """Whether ``piece``, which has a name, begins a new call, although its index is that of ``call``.

    Some servers send no index, or the same index for all calls: then a different id tells, or a complete ``call``.
    """
    if piece.id and call.upstream_id:
        return piece.id != call.upstream_id
    return bool(
        call.name and not piece.id and piece.index is None and not tool_validation.fault(call.name, call.arguments)
    )

"""Joins the pieces of a chat completion's tool calls, in whatever order and numbering they come; pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.llm import tool_validation
from adapters.llm.answer_limits import MAX_CALLS, LimitExceeded
from adapters.llm.chat_completions import wire
from adapters.llm.tool_arguments import ToolArguments, as_text, call_id, checked_name
from adapters.upstream import ErrorFactory, is_shallow


class _OpenCall(msgspec.Struct):
    """An unfinished call: it starts when its name is known; arguments that come earlier wait for it."""

    upstream_id: str | None
    call_id: str
    arguments: ToolArguments
    name: str = ""
    expected_name: str = ""  # if the server does not name it
    is_named_again: bool = False  # after its arguments were complete


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
        """The events of one piece. Raises ``LimitExceeded``."""
        function = piece.function or wire.Function()
        text = as_text(function.arguments)
        call = self._find(piece, function.name or "", text)
        ready = "" if _repeats(call, piece, function.name) else call.arguments.append(text)
        for field in ("extra_content", "thought_signature"):
            if (value := getattr(piece, field)) is not None and is_shallow(value):
                self.signatures.setdefault(call.call_id, {})[field] = value
        if (name := function.name or call.expected_name) and not call.name:
            call.name, ready = checked_name(name), call.arguments.passed_on
            yield llm.ToolCallStarted(call_id=call.call_id, name=call.name)
        if call.name and ready:
            yield llm.ToolCallDelta(call_id=call.call_id, arguments=ready)

    def finish(self) -> Iterator[llm.Event]:
        """The ends of all calls. Raises ``AdapterError`` for a call without a name."""
        for call in self._calls:
            if not call.name:
                raise self._errors.upstream_error("called a tool without naming it")
            if rest := call.arguments.finish():
                yield llm.ToolCallDelta(call_id=call.call_id, arguments=rest)
            yield tool_validation.finished(call.call_id, call.name, call.arguments.text, self._tools)

    def _find(self, piece: wire.ToolCallPiece, name: str, text: str) -> _OpenCall:
        """The call that ``piece``, with this name and text, belongs to; a new one if it begins a call."""
        call = self._by_index.get(piece.index) if piece.index is not None else next(reversed(self._calls), None)
        if call is None or (name and _is_another(call, piece, name, text)):
            call = self._new(piece, name)
        elif text.strip() and call.is_named_again:
            call = self._new(piece, name or call.name)
        elif name and not text.strip():
            call.is_named_again = call.arguments.is_complete and not piece.id
        if piece.index is not None:
            self._by_index[piece.index] = call
        return call

    def _new(self, piece: wire.ToolCallPiece, expected_name: str) -> _OpenCall:
        if len(self._calls) == MAX_CALLS:
            raise LimitExceeded(f"called more than {MAX_CALLS} tools in one answer")
        new_id = call_id(piece.id, [other.call_id for other in self._calls])
        arguments = ToolArguments()
        call = _OpenCall(upstream_id=piece.id, call_id=new_id, arguments=arguments, expected_name=expected_name)
        self._calls.append(call)
        return call


def _is_another(call: _OpenCall, piece: wire.ToolCallPiece, name: str, text: str) -> bool:
    """Whether ``piece``, which has a name, begins a new call, although its index is that of ``call``.

    Some servers send no index, or the same for all calls. Then a different id tells; without ids another name, or that
    ``call`` has all its arguments and more are coming.
    """
    if piece.id and call.upstream_id:
        return piece.id != call.upstream_id
    if not call.name:
        return False
    is_complete = call.arguments.is_complete
    return bool(is_complete and text.strip()) or (name != call.name and (is_complete or not call.upstream_id))


def _repeats(call: _OpenCall, piece: wire.ToolCallPiece, name: str | None) -> bool:
    """Whether ``piece`` only says once more what is known of ``call``, all of it."""
    return bool(piece.id and piece.id == call.upstream_id and name and name == call.name and call.arguments.is_complete)

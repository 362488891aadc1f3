"""Reads the chunks of a chat completion, streamed or whole, into the contract's events; pure."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import msgspec

from adapters.contract import llm
from adapters.contract.errors import AdapterError

_REASONS: dict[str, llm.FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: Any = None  # JSON text, or the object itself from some servers


class _Call(msgspec.Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    message: _Delta | None = None  # a whole answer has it in place of a delta
    finish_reason: str | None = None


class _InputDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None


class _OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None
    object: str | None = None


class _OpenCall(msgspec.Struct):
    """A call under way: it is started as soon as its name is known; arguments that come earlier are kept."""

    upstream_id: str | None
    call_id: str
    name: str = ""
    arguments: str = ""


_decode = msgspec.json.Decoder(_Chunk).decode


class Events:
    """The state of one answer. ``feed`` every chunk, then ``finish``.

    ``failure`` makes the error for an error object that the server sent, ``nonsense`` the one for what cannot be read.
    """

    def __init__(self, failure: Callable[[Any], AdapterError], nonsense: Callable[[str], AdapterError]) -> None:
        self._failure = failure
        self._nonsense = nonsense
        self._calls: list[_OpenCall] = []
        self._by_index: dict[int, _OpenCall] = {}
        self._usage: llm.Usage | None = None
        self._reason: llm.FinishReason | None = None

    def feed(self, data: bytes) -> Iterator[llm.Event]:
        """The events of one chunk of JSON. Raises ``AdapterError``."""
        try:
            chunk = _decode(data)
        except msgspec.DecodeError as error:
            raise self._nonsense("sent something that is not a chat completion") from error
        if chunk.error or chunk.object == "error":
            raise self._failure(msgspec.json.decode(data))
        if chunk.usage:
            self._usage = _usage(chunk.usage)
        if chunk.choices:
            yield from self._choice(chunk.choices[0])

    def finish(self) -> Iterator[llm.Event]:
        """What is left to say at the end of the stream. Raises ``AdapterError`` when the answer is not complete."""
        if self._reason is None:
            raise self._nonsense("ended its answer in the middle")
        for call in self._calls:
            if not call.name:
                raise self._nonsense("called a tool without naming it")
            if not call.arguments:
                yield from self._grow(call, "{}")
            yield llm.ToolCallFinished(call_id=call.call_id, name=call.name, arguments=call.arguments)
        reason = self._reason
        if reason in ("stop", "tool_calls"):  # servers differ in what they say after a call
            reason = "tool_calls" if self._calls else "stop"
        yield llm.Finished(reason=reason, usage=self._usage)

    def _choice(self, choice: _Choice) -> Iterator[llm.Event]:
        if delta := choice.delta or choice.message:
            reasoning = delta.reasoning_content or delta.reasoning
            if reasoning and isinstance(reasoning, str):
                yield llm.ReasoningDelta(text=reasoning)
            if delta.content:
                yield llm.TextDelta(text=delta.content)
            if delta.refusal:
                yield llm.TextDelta(text=delta.refusal)
            for call in delta.tool_calls or ():
                yield from self._tool_call(call)
        if choice.finish_reason == "error":
            raise self._failure(None)
        if choice.finish_reason:
            self._reason = _REASONS.get(choice.finish_reason, "stop")

    def _tool_call(self, delta: _Call) -> Iterator[llm.Event]:
        function = delta.function or _Function()
        call = self._open_call(delta, function.name)
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

    def _open_call(self, delta: _Call, name: str | None) -> _OpenCall:
        """The call that ``delta`` continues or begins.

        Servers number the pieces by ``index``; some give none, some the same one to every call: then another id
        together with a name begins another call.
        """
        call = self._by_index.get(delta.index) if delta.index is not None else next(reversed(self._calls), None)
        begins = call is None or (name and delta.id and call.upstream_id not in (None, delta.id))
        if call is None or begins:
            taken = {other.call_id for other in self._calls}
            call_id = delta.id if delta.id and delta.id not in taken else f"call_{uuid4().hex}"
            call = _OpenCall(upstream_id=delta.id, call_id=call_id)
            self._calls.append(call)
        if delta.index is not None:
            self._by_index[delta.index] = call
        return call

    def _grow(self, call: _OpenCall, arguments: str) -> Iterator[llm.Event]:
        call.arguments += arguments
        if call.name:
            yield llm.ToolCallDelta(call_id=call.call_id, arguments=arguments)


def _usage(usage: _Usage) -> llm.Usage:
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
    reasoning = usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else None
    return llm.Usage(
        input_tokens=usage.prompt_tokens or 0,
        output_tokens=usage.completion_tokens or 0,
        cached_tokens=cached or 0,
        reasoning_tokens=reasoning or 0,
    )

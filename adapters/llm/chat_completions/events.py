"""Turns the chunks of a chat completion, streamed or not, into the contract's events; pure."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from adapters.contract import llm
from adapters.llm import provider_state
from adapters.llm.chat_completions import wire
from adapters.llm.chat_completions.reasoning_details import ReasoningDetails
from adapters.llm.chat_completions.tool_calls import ToolCalls
from adapters.llm.decoding.start_state import StartState
from adapters.llm.decoding.tool_call_parser import ToolCallParser
from adapters.upstream import ErrorFactory, UnreadableJson

# In small letters. Every reason that is not listed means "stop".
_REASONS: dict[str, llm.FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
}
_NOT_FINISHED = frozenset(("", "null", "none"))
# The server gave up the answer.
_FAILED = frozenset(("error", "abort", "insufficient_system_resource"))

_MAX_LEVELS = 4  # of parts within parts
_TEXT_FIELDS = ("thinking", "text", "value", "content", "refusal")

Kind = Literal["text", "reasoning", "refusal"]


def finish_reason(stated: str | None) -> llm.FinishReason | None:
    """Why an answer is complete, in the contract's words; ``None`` while it is not.

    Raises ``ValueError`` with the server's word when it gave the answer up.
    """
    reason = (stated or "").strip().lower()
    if reason in _FAILED:
        raise ValueError(reason)
    return None if reason in _NOT_FINISHED else _REASONS.get(reason, "stop")


class ChatCompletionReader:
    """The state of one answer: ``feed`` every chunk, or the ``whole`` answer at once; then ``finish``.

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
        self._text = ToolCallParser(start or StartState(), tools)
        self._calls = ToolCalls(errors, tools)
        self._reasoning_content: list[str] = []  # the texts of the field of this name
        self._details = ReasoningDetails()
        self._usage: llm.Usage | None = None
        self._reason: llm.FinishReason | None = None
        self._has_content = False

    @property
    def done(self) -> bool:
        """Whether the answer is complete; only its usage may follow."""
        return self._reason is not None

    def feed(self, data: bytes, name: str | None = None) -> Iterator[llm.Event]:
        """The events of one chunk of JSON. Raises ``AdapterError``."""
        return self._chunk(self._decoded(data, name))

    def whole(self, data: bytes) -> Iterator[llm.Event]:
        """The events of an answer that was not streamed. Raises ``AdapterError``."""
        chunk = self._decoded(data)
        if not chunk.choices:
            raise self._errors.upstream_error("sent something that is not a chat completion")
        yield from self._chunk(chunk)
        self._reason = self._reason or "stop"

    def finish(self, *, marked: bool = False) -> Iterator[llm.Event]:
        """The last events. Raises ``AdapterError`` when the answer is neither complete nor ``marked`` as complete."""
        reason = self._reason or ("stop" if marked else None)
        if reason is None:
            raise self._errors.upstream_error("ended its answer in the middle")
        yield from self._text.finish(reason)
        yield from self._calls.finish()
        if reason == "stop" and (self._calls or self._text.has_called):
            reason = "tool_calls"
        yield llm.Finished(reason=reason, usage=self._usage, extra=self._kept())

    def _decoded(self, data: bytes, name: str | None = None) -> wire.Chunk:
        try:
            chunk = wire.decode(data)
        except UnreadableJson as error:
            raise self._errors.upstream_error("sent something that is not a chat completion") from error
        if chunk.error or "error" in (chunk.object, name):
            raise self._errors.reported_in(data)
        return chunk

    def _chunk(self, chunk: wire.Chunk) -> Iterator[llm.Event]:
        if usage := chunk.usage or (chunk.x_groq and chunk.x_groq.usage):
            self._usage = usage.counted()
        if chunk.choices:
            yield from self._choice(chunk.choices[0])

    def _choice(self, choice: wire.Choice) -> Iterator[llm.Event]:
        if choice.delta and not choice.delta.is_empty:
            yield from self._delta(choice.delta, self._text.feed)
        elif choice.message and not self._has_content:  # after deltas it only repeats them
            yield from self._delta(choice.message, self._text.whole)
        if choice.error:
            raise self._errors.reported(choice.error)
        try:
            self._reason = finish_reason(choice.finish_reason) or self._reason
        except ValueError as error:
            raise self._errors.reported({"code": str(error)}) from None

    def _delta(self, delta: wire.Delta, read: Callable[[str], Iterator[llm.Event]]) -> Iterator[llm.Event]:
        self._has_content = self._has_content or not delta.is_empty
        yield from self._reasoning(delta)
        for kind, text in (*_texts(delta.content), *_texts(delta.refusal, "refusal")):
            match kind:
                case "reasoning":
                    yield from self._reasoning_delta(text)
                case "refusal":
                    yield llm.TextDelta(text=text, refusal=True)
                case "text":
                    yield from read(text)
        for piece in delta.tool_calls or ():
            yield from self._calls.feed(piece)

    def _reasoning(self, delta: wire.Delta) -> Iterator[llm.Event]:
        for detail in delta.reasoning_details or ():
            self._details.add(detail)
        reasoning = delta.reasoning_content or delta.reasoning
        if isinstance(delta.reasoning_content, str):
            self._reasoning_content.append(delta.reasoning_content)
        for _, text in _texts(reasoning):
            yield from self._reasoning_delta(text)

    def _reasoning_delta(self, text: str) -> Iterator[llm.Event]:
        yield from self._text.report()
        yield llm.ReasoningDelta(text=text)

    def _kept(self) -> dict[str, Any]:
        """What the provider wants back with the message; ``request.body`` sends it."""
        message: dict[str, Any] = {}
        if details := self._details.joined():
            message["reasoning_details"] = details
        elif self._calls and self._reasoning_content:  # DeepSeek and Moonshot refuse a call without its reasoning
            message["reasoning_content"] = "".join(self._reasoning_content)
        data = {"message": message, "calls": self._calls.signatures}
        return provider_state.kept(self._route, {name: value for name, value in data.items() if value})


def _texts(content: Any, kind: Kind = "text", levels: int = _MAX_LEVELS) -> Iterator[tuple[Kind, str]]:
    """The texts in ``content``: a text or a number, a part with text or thinking, or a list of these."""
    match content:
        case None | bool():
            return
        case str() | int() | float():
            if content != "":
                yield kind, str(content)
        case list() if levels:
            for part in content:
                yield from _texts(part, kind, levels - 1)
        case dict() if levels:
            if "thinking" in content or content.get("type") in ("reasoning", "thinking"):
                kind = "reasoning"
            elif content.get("type") == "refusal":
                kind = "refusal"
            inner = next((content[name] for name in _TEXT_FIELDS if content.get(name)), None)
            yield from _texts(inner, kind, levels - 1)

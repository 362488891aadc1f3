"""Turns the chunks of a chat completion, streamed or not, into the contract's events; pure."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.llm import provider_state
from adapters.llm.chat_completions import wire
from adapters.llm.chat_completions.tool_calls import ToolCalls
from adapters.llm.decoding.reasoning_parser import Delta, ReasoningParser
from adapters.llm.decoding.start_state import StartState
from adapters.upstream import ErrorFactory

# Every reason that is not listed means "stop".
_REASONS: dict[str, llm.FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
}
# The server gave up the answer.
_FAILED = frozenset(("error", "abort", "insufficient_system_resource"))


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
        self._text = ReasoningParser(start or StartState())
        self._calls = ToolCalls(errors, tools)
        self._reasoning_content: list[str] = []  # the texts of the field of this name
        self._details: list[dict[str, Any]] = []
        self._usage: llm.Usage | None = None
        self._reason: llm.FinishReason | None = None

    @property
    def done(self) -> bool:
        """Whether the answer is complete; only its usage may follow."""
        return self._reason is not None

    def feed(self, data: bytes) -> Iterator[llm.Event]:
        """The events of one chunk of JSON. Raises ``AdapterError``."""
        try:
            chunk = wire.decode(data)
        except msgspec.DecodeError as error:
            raise self._errors.upstream_error("sent something that is not a chat completion") from error
        if chunk.error or chunk.object == "error":
            raise self._errors.reported(msgspec.json.decode(data))
        if usage := chunk.usage or (chunk.x_groq and chunk.x_groq.usage):
            self._usage = usage.counted()
        if chunk.choices:
            yield from self._choice(chunk.choices[0])

    def whole(self, data: bytes) -> Iterator[llm.Event]:
        """The events of an answer that was not streamed. Raises ``AdapterError``."""
        return self.feed(data)

    def finish(self) -> Iterator[llm.Event]:
        """The last events, at the end of the stream. Raises ``AdapterError`` when the answer is not complete."""
        reason = self._reason
        if reason is None:
            raise self._errors.upstream_error("ended its answer in the middle")
        if reason == "stop" and self._calls:
            reason = "tool_calls"
        yield from self._text.finish(reason)
        yield from self._calls.finish()
        yield llm.Finished(reason=reason, usage=self._usage, extra=self._kept())

    def _choice(self, choice: wire.Choice) -> Iterator[llm.Event]:
        if choice.delta:
            yield from self._delta(choice.delta, self._text.feed)
        elif choice.message:
            yield from self._delta(choice.message, self._text.whole)
        if choice.error:
            raise self._errors.reported(choice.error)
        if choice.finish_reason in _FAILED:
            raise self._errors.reported({"code": choice.finish_reason})
        if choice.finish_reason:
            self._reason = _REASONS.get(choice.finish_reason, "stop")

    def _delta(self, delta: wire.Delta, read: Callable[[str], Iterator[Delta]]) -> Iterator[llm.Event]:
        yield from self._reasoning(delta)
        if isinstance(delta.content, str):
            yield from read(delta.content)
        else:
            for part in delta.content or ():
                yield from self._part(part, read)
        if delta.refusal:
            yield llm.TextDelta(text=delta.refusal)
        for piece in delta.tool_calls or ():
            yield from self._calls.feed(piece)

    def _part(self, part: wire.ContentPart, read: Callable[[str], Iterator[Delta]]) -> Iterator[llm.Event]:
        yield from self._reasoning_delta("".join(thought.text or "" for thought in part.thinking or ()))
        yield from read(part.text or "")

    def _reasoning(self, delta: wire.Delta) -> Iterator[llm.Event]:
        for detail in delta.reasoning_details or ():
            _join(self._details, detail)
        reasoning = delta.reasoning_content or delta.reasoning
        if isinstance(delta.reasoning_content, str):
            self._reasoning_content.append(delta.reasoning_content)
        if isinstance(reasoning, str):
            yield from self._reasoning_delta(reasoning)

    def _reasoning_delta(self, text: str) -> Iterator[llm.Event]:
        if text:
            yield from self._text.report()
            yield llm.ReasoningDelta(text=text)

    def _kept(self) -> dict[str, Any]:
        """What the provider wants back with the message; ``request.body`` sends it."""
        message: dict[str, Any] = {}
        if self._details:
            message["reasoning_details"] = self._details
        elif self._calls and self._reasoning_content:  # DeepSeek and Moonshot refuse a call without its reasoning
            message["reasoning_content"] = "".join(self._reasoning_content)
        data = {"message": message, "calls": self._calls.signatures}
        return provider_state.kept(self._route, {name: value for name, value in data.items() if value})


def _join(details: list[dict[str, Any]], detail: dict[str, Any]) -> None:
    """Add a piece of OpenRouter's ``reasoning_details``: the text of one detail is split over several pieces."""
    last = details[-1] if details else {}
    field = {"reasoning.text": "text", "reasoning.summary": "summary"}.get(detail.get("type", ""))
    if field is None or any(last.get(key) != detail.get(key) for key in ("type", "index")):
        details.append(detail)
        return
    text = (last.get(field) or "") + (detail.get(field) or "")
    last |= {key: value for key, value in detail.items() if value is not None} | {field: text}

"""Reads the chunks of a chat completion, streamed or whole, into the contract's events; pure."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import AdapterError
from adapters.llm import provider_state
from adapters.llm.chat_completions import chunks
from adapters.llm.chat_completions.tool_calls import ToolCalls
from adapters.llm.decoding.reasoning_parser import Delta, ReasoningParser
from adapters.llm.decoding.start_state import StartState

# What is not here is a way to say "stop".
_REASONS: dict[str, llm.FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
}
# The answer was given up; with the status that says why, if it is known.
_FAILURES: dict[str, int | None] = {"error": None, "abort": None, "insufficient_system_resource": 503}


class Events:
    """The state of one answer. ``feed`` every chunk, or the ``whole`` answer at once; then ``finish``.

    ``failure`` makes the error for an error object that the server sent, ``nonsense`` the one for what cannot be read.
    ``route`` is where the answer comes from (``provider_state.route``); without it nothing is kept for its provider.
    ``start`` is the model's (``StartStates``), ``tools`` are the request's.
    """

    def __init__(
        self,
        failure: Callable[[Any], AdapterError],
        nonsense: Callable[[str], AdapterError],
        *,
        route: str = "",
        start: StartState | None = None,
        tools: tuple[llm.Tool, ...] = (),
    ) -> None:
        self._failure = failure
        self._nonsense = nonsense
        self._route = route
        self._text = ReasoningParser(start or StartState())
        self._calls = ToolCalls(nonsense, tools)
        self._thoughts: list[str] = []  # of the field reasoning_content
        self._details: list[dict[str, Any]] = []
        self._usage: llm.Usage | None = None
        self._reason: llm.FinishReason | None = None

    @property
    def done(self) -> bool:
        """Whether the answer is complete; only its usage may still come."""
        return self._reason is not None

    def feed(self, data: bytes) -> Iterator[llm.Event]:
        """The events of one chunk of JSON. Raises ``AdapterError``."""
        try:
            chunk = chunks.decode(data)
        except msgspec.DecodeError as error:
            raise self._nonsense("sent something that is not a chat completion") from error
        if chunk.error or chunk.object == "error":
            raise self._failure(msgspec.json.decode(data))
        if usage := chunk.usage or (chunk.x_groq and chunk.x_groq.usage):
            self._usage = usage.counted()
        if chunk.choices:
            yield from self._choice(chunk.choices[0])

    def whole(self, data: bytes) -> Iterator[llm.Event]:
        """The events of an answer that came in one piece. Raises ``AdapterError``."""
        return self.feed(data)

    def finish(self) -> Iterator[llm.Event]:
        """What is left to say at the end of the stream. Raises ``AdapterError`` when the answer is not complete."""
        reason = self._reason
        if reason is None:
            raise self._nonsense("ended its answer in the middle")
        if reason == "stop" and self._calls:
            reason = "tool_calls"
        yield from self._text.finish(reason)
        yield from self._calls.finish()
        yield llm.Finished(reason=reason, usage=self._usage, extra=self._kept())

    def _choice(self, choice: chunks.Choice) -> Iterator[llm.Event]:
        if choice.delta:
            yield from self._delta(choice.delta, self._text.feed)
        elif choice.message:
            yield from self._delta(choice.message, self._text.whole)
        if choice.error:
            raise self._failure(choice.error)
        if choice.finish_reason in _FAILURES:
            raise self._failure({"code": _FAILURES[choice.finish_reason]})
        if choice.finish_reason:
            self._reason = _REASONS.get(choice.finish_reason, "stop")

    def _delta(self, delta: chunks.Delta, read: Callable[[str], Iterator[Delta]]) -> Iterator[llm.Event]:
        yield from self._reasoning(delta)
        if isinstance(delta.content, str):
            yield from read(delta.content)
        else:
            for part in delta.content or ():
                yield from self._part(part, read)
        if delta.refusal:
            yield llm.TextDelta(text=delta.refusal)
        for call in delta.tool_calls or ():
            yield from self._calls.feed(call)

    def _part(self, part: chunks.Part, read: Callable[[str], Iterator[Delta]]) -> Iterator[llm.Event]:
        yield from self._thought("".join(thought.text or "" for thought in part.thinking or ()))
        yield from read(part.text or "")

    def _reasoning(self, delta: chunks.Delta) -> Iterator[llm.Event]:
        for detail in delta.reasoning_details or ():
            _join(self._details, detail)
        reasoning = delta.reasoning_content or delta.reasoning
        if isinstance(delta.reasoning_content, str):
            self._thoughts.append(delta.reasoning_content)
        if isinstance(reasoning, str):
            yield from self._thought(reasoning)

    def _thought(self, text: str) -> Iterator[llm.Event]:
        if text:
            yield from self._text.report()
            yield llm.ReasoningDelta(text=text)

    def _kept(self) -> dict[str, Any]:
        """What the provider wants back with the message, for ``request.body``."""
        message: dict[str, Any] = {}
        if self._details:
            message["reasoning_details"] = self._details
        elif self._calls and self._thoughts:  # DeepSeek and Moonshot refuse a call without what led to it
            message["reasoning_content"] = "".join(self._thoughts)
        data = {"message": message, "calls": self._calls.signatures}
        return provider_state.kept(self._route, {name: value for name, value in data.items() if value})


def _join(details: list[dict[str, Any]], detail: dict[str, Any]) -> None:
    """Add a piece of OpenRouter's ``reasoning_details``: the texts of one detail come cut into pieces."""
    last = details[-1] if details else {}
    field = {"reasoning.text": "text", "reasoning.summary": "summary"}.get(detail.get("type", ""))
    if field is None or any(last.get(key) != detail.get(key) for key in ("type", "index")):
        details.append(detail)
        return
    text = (last.get(field) or "") + (detail.get(field) or "")
    last |= {key: value for key, value in detail.items() if value is not None} | {field: text}

"""Observes what an answer contains, in either API, streamed or not; pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.upstream.lenient_json import LenientDecoder

_REASONING_TAGS = ("<think>", "<thinking>", "<|channel|>analysis")


class AnswerObserver(msgspec.Struct):
    """What was seen so far; updated by each ``add``.

    ``failure`` is a short reason in our own words, ``pieces`` counts the events with content, ``reasons`` and ``calls``
    say that the answer has reasoning and a tool call, ``ended`` says that the answer is complete.
    """

    failure: str | None = None
    pieces: int = 0
    reasons: bool = False
    calls: bool = False
    ended: bool = False

    def add(self, data: bytes) -> None:
        """Add the data of one event, or an answer that was not streamed. Raises ``UnreadableJson``."""
        event = _decode(data)
        ending = event.choices[0].finish_reason if event.choices else event.status or _type(event)
        if event.error or "error" in (event.object, ending) or ending == "failed":
            self.failure = "error in the answer"
            return
        seen = set(_content(event, all_items=not self.pieces))
        self.pieces += bool(seen)
        self.reasons |= "reasoning" in seen
        self.calls |= "call" in seen
        self.ended |= bool(event.choices and ending) or ending in ("completed", "incomplete")


class _Delta(msgspec.Struct):
    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: Any = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Item(msgspec.Struct):
    type: str | None = None
    content: Any = None
    summary: Any = None


class _Response(msgspec.Struct):
    output: list[_Item] | None = None


class _Event(_Response):
    """The fields that are read of the events of both APIs, and of their answers that are not streamed."""

    type: str | None = None
    object: str | None = None
    status: str | None = None
    error: Any = None
    choices: list[_Choice] | None = None
    delta: Any = None
    item: _Item | None = None
    response: _Response | None = None


_decode = LenientDecoder(_Event).decode


def _type(event: _Event) -> str:
    return (event.type or "").removeprefix("response.")


def _content(event: _Event, *, all_items: bool) -> Iterator[str]:
    """The kinds of content in an event; ``all_items`` if nothing was streamed before the complete response."""
    for choice in event.choices or ():
        delta = choice.delta or choice.message or _Delta()
        yield from _reasoning(delta.reasoning_content or delta.reasoning)
        if delta.content or delta.refusal:
            yield _text(delta.content)
        if delta.tool_calls:
            yield "call"
    match _type(event):
        case "output_text.delta" | "refusal.delta" if event.delta:
            yield _text(event.delta)
        case "reasoning_text.delta" | "reasoning_summary_text.delta":
            yield from _reasoning(event.delta)
        case "output_item.added" if event.item and event.item.type == "function_call":
            yield "call"
        case "completed" | "incomplete" | "" if all_items:
            for item in (event.response or event).output or ():
                yield from _item(item)


def _item(item: _Item) -> Iterator[str]:
    match item.type:
        case "message" if item.content:
            yield "text"
        case "reasoning" if item.content or item.summary:
            yield "reasoning"
        case "function_call":
            yield "call"


def _reasoning(text: Any) -> Iterator[str]:
    """Blank lines do not count: a model with thinking switched off writes them between its tags."""
    if isinstance(text, str) and text.strip():
        yield "reasoning"


def _text(text: Any) -> str:
    return "reasoning" if isinstance(text, str) and text.lstrip().startswith(_REASONING_TAGS) else "text"

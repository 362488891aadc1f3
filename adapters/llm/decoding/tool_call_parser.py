"""Parses the tool calls that a model writes into its text, which arrives in pieces; pure.

A model that learns of its tools by the chat template alone calls them in the format of its training:

- ``<tool_call>{"name": …, "arguments": {…}}</tool_call>`` (Hermes, Qwen), or XML in place of the JSON (Qwen3-Coder);
- ``[TOOL_CALLS][{"name": …, "arguments": {…}}]`` or ``[TOOL_CALLS]NAME[ARGS]{…}`` (Mistral);
- a message of OpenAI's Harmony format to ``functions.NAME``;
- ``<|python_tag|>{"name": …, "parameters": {…}}`` (Llama 3), or that object alone at the beginning of the answer, if it
  names a tool of the request.

Text that starts as a call and cannot be parsed is reported as an invalid call: it must neither be spoken nor be lost.
Whatever a model writes, the work is linear in the length of the answer. All methods raise ``LimitExceeded`` for calls
without end.
"""

from collections.abc import Generator, Iterator
from uuid import uuid4

from adapters.contract import llm
from adapters.llm import tool_validation
from adapters.llm.answer_limits import MAX_CALLS, MAX_WRITTEN_CALL_CHARACTERS, LimitExceeded
from adapters.llm.decoding.json_tool_calls import RawToolCall
from adapters.llm.decoding.reasoning_parser import ReasoningParser, ToolCallOpening
from adapters.llm.decoding.special_tokens import finder
from adapters.llm.decoding.start_state import StartState
from adapters.llm.decoding.tool_call_region import ToolCallRegion

_MAX_REREADS = 8  # broken calls of one answer after which the text is read again from a closing tag inside a string
_PIECE_CHARACTERS = 1000  # read at once: what follows a call is copied
_TAGS = frozenset(("<tool_call>", "</tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "{"))


class ToolCallParser:
    """Parses the text of one answer to a request with ``tools``: ``feed`` every piece, then ``finish``.

    How the text is cut changes nothing. Without tools there are no calls, only answer and reasoning. ``special`` are
    the tokenizer's special tokens.
    """

    def __init__(self, start: StartState, tools: tuple[llm.Tool, ...], special: frozenset[str] = frozenset()) -> None:
        self._tools = tools
        self._special = special
        self._parser = ReasoningParser(start, call_tags=_TAGS if tools else frozenset(), special=special)
        self._region: ToolCallRegion | None = None
        self._call_id = ""  # of the current call, once it has started
        self._count = 0
        self._rereads = 0

    @property
    def has_called(self) -> bool:
        """Whether there was a call."""
        return self._count > 0

    @property
    def in_reasoning(self) -> bool:
        """Whether the text is reasoning now, as far as is known."""
        return self._parser.in_reasoning

    @property
    def undecided(self) -> bool:
        """Whether all the text so far may be reasoning or the answer."""
        return self._parser.undecided

    def feed(self, text: str) -> Iterator[llm.Event]:
        """What ``text`` adds: answer, reasoning, calls."""
        for at in range(0, len(text), _PIECE_CHARACTERS):
            piece = text[at : at + _PIECE_CHARACTERS]
            while piece:
                if self._region:
                    piece = yield from self._continue(self._region, piece)
                else:
                    piece = yield from self._open((yield from self._parser.feed(piece)))

    def whole(self, text: str) -> Iterator[llm.Event]:
        """All of an answer that arrived in one piece, or a part of it: whether it started inside can be seen."""
        if self._region:
            yield from self.feed(text)
        else:
            yield from self.feed((yield from self._open((yield from self._parser.whole(text)))))

    def report(self) -> Iterator[llm.Event]:
        """The server has reported reasoning in a field of its own: the text has none."""
        yield from self.feed((yield from self._open((yield from self._parser.report()))))

    def finish(self, reason: llm.FinishReason) -> Iterator[llm.Event]:
        """What is left when the answer has ended for ``reason``."""
        text = yield from self._open((yield from self._parser.finish(reason)))
        while text or self._region:
            yield from self.feed(text)
            text = ""
            if region := self._region:
                rest = region.finish(finder(self._special))
                text = (yield from self._close(region)) + rest
        yield from self._parser.finish(reason)

    def _open(self, opening: ToolCallOpening | None) -> Generator[llm.Event, None, str]:
        """Begin the region of the call that has opened; the text that is left to be read."""
        if opening is None:
            return ""
        self._region = ToolCallRegion(opening, self._tools, may_reread=self._rereads < _MAX_REREADS)
        yield from self._start(self._region.name)
        return opening.rest

    def _continue(self, region: ToolCallRegion, text: str) -> Generator[llm.Event, None, str]:
        rest = region.feed(text)
        if region.size > MAX_WRITTEN_CALL_CHARACTERS:
            raise LimitExceeded(f"sent a tool call with more than {MAX_WRITTEN_CALL_CHARACTERS} characters")
        yield from self._start(region.name)
        if rest is None:
            return ""
        return (yield from self._close(region)) + rest

    def _start(self, name: str) -> Iterator[llm.Event]:
        if name and not self._call_id:
            self._count += 1
            if self._count > MAX_CALLS:
                raise LimitExceeded(f"called more than {MAX_CALLS} tools in one answer")
            self._call_id = f"call_{uuid4().hex}"
            yield llm.ToolCallStarted(call_id=self._call_id, name=name)

    def _close(self, region: ToolCallRegion) -> Generator[llm.Event, None, str]:
        """Report the calls of ``region``; returns the text that has to be read again because it was no call."""
        self._region = None
        self._rereads += region.has_reread
        calls = region.calls()
        if calls is None:
            text = region.text
            yield from self._parser.keep(text[:1])
            return text[1:]
        for number, call in enumerate(calls):
            yield from self._report(call, region.name if number == 0 and self._call_id else call.name)
        return ""

    def _report(self, call: RawToolCall, name: str) -> Iterator[llm.Event]:
        yield from self._start(name)
        call_id, self._call_id = self._call_id, ""
        if call.arguments:
            yield llm.ToolCallDelta(call_id=call_id, arguments=call.arguments)
        yield tool_validation.finished(call_id, name, call.arguments, self._tools)

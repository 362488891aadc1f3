"""Finds the calls that a model writes into its text, in text that comes in pieces; pure.

A model that was told of its tools by the chat template alone calls them in the words of its training:

- ``<tool_call>{"name": …, "arguments": {…}}</tool_call>`` (Hermes, Qwen), or tags in place of the JSON (Qwen3-Coder);
- ``[TOOL_CALLS][{"name": …, "arguments": {…}}]`` or ``[TOOL_CALLS]NAME[ARGS]{…}`` (Mistral);
- a message of OpenAI's Harmony format to ``functions.NAME``;
- ``<|python_tag|>{"name": …, "parameters": {…}}`` (Llama 3), or that object alone where the answer begins, if it names
  a tool of the request.

What begins as a call and cannot be read is a call nevertheless, an invalid one: it must not be spoken, nor vanish.
"""

from collections.abc import Generator, Iterator
from uuid import uuid4

from adapters.contract import llm
from adapters.llm import tool_validation
from adapters.llm.decoding import reasoning_parser
from adapters.llm.decoding.special_tokens import markers
from adapters.llm.decoding.tool_call_region import Region, Written

_TAGS = frozenset(("<tool_call>", "</tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "{"))


class ToolText:
    """The text of one answer to a request with ``tools``: ``feed`` every piece, then ``finish``.

    How the text is cut changes nothing. Without tools there are no calls, only text and thinking. ``special`` are the
    tokenizer's special tokens.
    """

    def __init__(
        self, habit: reasoning_parser.Habit, tools: tuple[llm.Tool, ...], special: frozenset[str] = frozenset()
    ) -> None:
        self._tools = tools
        self._special = special
        self._parser = reasoning_parser.Parser(habit, calls=_TAGS if tools else frozenset(), special=special)
        self._region: Region | None = None
        self._call_id = ""  # of the call under way, once it is started
        self.called = False

    @property
    def thinking(self) -> bool:
        """Whether what comes now is thinking, as far as is known."""
        return self._parser.thinking

    @property
    def uncertain(self) -> bool:
        """Whether all that came may be thinking or the answer."""
        return self._parser.uncertain

    def feed(self, text: str) -> Iterator[llm.Event]:
        """What ``text`` adds to the answer: text, thinking, calls."""
        while text:
            if self._region:
                text = yield from self._continue(self._region, text)
            else:
                yield from self._parser.feed(text)
                text = yield from self._open()

    def finish(self, reason: llm.FinishReason) -> Iterator[llm.Event]:
        """What is left when the answer has ended for ``reason``."""
        yield from self._parser.finish(reason)
        text = yield from self._open()
        while text or self._region:
            yield from self.feed(text)
            text = ""
            if region := self._region:
                rest = region.finish(markers(self._special))
                text = (yield from self._close(region)) + rest
        yield from self._parser.finish(reason)

    def _open(self) -> Generator[llm.Event, None, str]:
        """Begin the region that the parser has come to; the text that is left to be read."""
        opening = self._parser.opened()
        if opening is None:
            return ""
        self._region = Region(opening, self._tools)
        yield from self._start(self._region.name)
        return opening.rest

    def _continue(self, region: Region, text: str) -> Generator[llm.Event, None, str]:
        rest = region.feed(text)
        yield from self._start(region.name)
        if rest is None:
            return ""
        return (yield from self._close(region)) + rest

    def _start(self, name: str) -> Iterator[llm.Event]:
        if name and not self._call_id:
            self._call_id, self.called = f"call_{uuid4().hex}", True
            yield llm.ToolCallStarted(call_id=self._call_id, name=name)

    def _close(self, region: Region) -> Generator[llm.Event, None, str]:
        """Say the calls of ``region``; what is to be read again, because it was no call after all."""
        self._region = None
        written = region.written()
        if written is None:
            yield from self._parser.say(region.text[:1])
            return region.text[1:]
        for number, call in enumerate(written):
            yield from self._call(call, region.name if number == 0 and self._call_id else call.name)
        return ""

    def _call(self, call: Written, name: str) -> Iterator[llm.Event]:
        yield from self._start(name)
        call_id, self._call_id = self._call_id, ""
        if call.arguments:
            yield llm.ToolCallDelta(call_id=call_id, arguments=call.arguments)
        yield tool_validation.finished(call_id, name, call.arguments, self._tools)

"""Writes one answer of an in-process model: from token ids to the contract's events; pure."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, assert_never

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.llm.decoding import reasoning_parser
from adapters.llm.decoding.detokenizer import Detokenizer
from adapters.llm.decoding.special_tokens import is_marker
from adapters.llm.decoding.stop_strings import Stops
from adapters.llm.decoding.tool_call_parser import ToolText

_HARMONY_HEADER = "<|start|>assistant"  # a prompt that ends so has begun the header of the answer's first message


class Writing:
    """One answer: ``tokens`` as they are generated, then ``finish``; ``Started`` is the backend's own to send.

    ``decode`` turns ids into text with the special tokens in it (``skip_special_tokens=False``) and spaces untouched
    (``clean_up_tokenization_spaces=False``). ``prompt`` is what the model was given as text, or the end of it: it says
    whether the answer begins inside the thinking. ``begun`` is what the answer was made to begin with
    (``prompt.forced``), not part of ``prompt`` nor of the generated ids. ``special`` are the names of the tokenizer's
    special tokens: they are never said. The strings that end the answer are those of ``request.sampling.stop``.
    """

    def __init__(
        self,
        request: llm.Request,
        decode: Callable[[list[int]], str],
        *,
        prompt: str = "",
        begun: str = "",
        special: Iterable[str] = (),
    ) -> None:
        habit = reasoning_parser.Habit(inside=reasoning_parser.opened_thinking(prompt) is not None)
        tools = () if request.tool_choice == "none" else request.tools
        self._text = ToolText(habit, tools, frozenset(filter(is_marker, special)))
        self._detokenizer = Detokenizer(decode)
        self._stops = Stops(request.sampling.stop or ())
        header = _HARMONY_HEADER if tools and prompt.endswith(_HARMONY_HEADER) else ""
        self._begun = header + begun
        self._output_tokens = 0
        self._reasoning_tokens = 0

    @property
    def stopped(self) -> bool:
        """Whether a stop string came: the answer is over, the backend ends the generation and calls ``finish``."""
        return self._stops.stopped

    def tokens(self, ids: Iterable[int]) -> Iterator[llm.Event]:
        """The events of the next generated ``ids``, with or without the one that ends the answer."""
        yield from self._begin()
        for token in ids:
            if self.stopped:
                return
            self._output_tokens += 1
            yield from self._write(self._text.feed(self._detokenizer.feed((token,))))
            self._reasoning_tokens += self._text.thinking

    def finish(
        self, reason: Literal["stop", "length"], *, prompt_tokens: int, cached_tokens: int = 0
    ) -> Iterator[llm.Event]:
        """What is left when the generation has ended for ``reason``; ends with ``Finished``.

        ``prompt_tokens`` are all tokens of the prompt, ``cached_tokens`` those of them that were not computed again.
        """
        yield from self._begin()
        if not self.stopped:
            yield from self._write(self._text.feed(self._detokenizer.finish()))
            if self._text.uncertain and reason == "stop":
                self._reasoning_tokens = 0  # what seemed to be thinking is the answer
            yield from self._write(self._text.finish(reason))
        yield from self._release()
        usage = llm.Usage(
            input_tokens=prompt_tokens,
            output_tokens=self._output_tokens,
            cached_tokens=cached_tokens,
            reasoning_tokens=self._reasoning_tokens,
        )
        ended: llm.FinishReason = "stop" if self.stopped else reason
        yield llm.Finished(reason="tool_calls" if ended == "stop" and self._text.called else ended, usage=usage)

    def _begin(self) -> Iterator[llm.Event]:
        begun, self._begun = self._begun, ""
        yield from self._write(self._text.feed(begun))

    def _write(self, events: Iterator[llm.Event]) -> Iterator[llm.Event]:
        """``events`` up to a stop string in what is said."""
        for event in events:
            match event:
                case llm.TextDelta():
                    if text := self._stops.feed(event.text):
                        yield llm.TextDelta(text=text)
                case llm.ToolCallStarted():
                    yield from self._release()
                    yield event
                case llm.ReasoningDelta() | llm.ToolCallDelta() | llm.ToolCallFinished() | Started() | llm.Finished():
                    yield event
                case _:
                    assert_never(event)
            if self.stopped:
                return

    def _release(self) -> Iterator[llm.Event]:
        if held := self._stops.finish():
            yield llm.TextDelta(text=held)

"""Decodes the tokens of one answer of a local model into the contract's events; pure."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, assert_never

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.llm import reasoning
from adapters.llm.decoding.detokenizer import Detokenizer
from adapters.llm.decoding.start_state import StartState
from adapters.llm.decoding.stop_strings import StopStrings
from adapters.llm.decoding.tool_call_parser import ToolCallParser
from adapters.llm.prompting.encoded_prompt import EncodedPrompt

_HARMONY_HEADER = "<|start|>assistant"  # a prompt with this end has begun the header of the answer's first message


class OutputDecoder:
    """One answer to ``prompt``: feed ``tokens`` as they are generated, then ``finish``. It does not send ``Started``.

    ``tools`` are those that the answer may call. ``decode`` turns ids into text with the special tokens in it and with
    spaces untouched. ``special`` are the tokenizer's special tokens, which are not part of the answer.
    """

    def __init__(
        self,
        prompt: EncodedPrompt,
        tools: tuple[llm.Tool, ...],
        decode: Callable[[list[int]], str],
        special: frozenset[str] = frozenset(),
    ) -> None:
        start = StartState(inside=reasoning.opened_by(prompt.text) is not None)
        self._text = ToolCallParser(start, tools, special)
        self._detokenizer = Detokenizer(decode)
        self._stop_strings = StopStrings(prompt.settings.stop)
        header = _HARMONY_HEADER if tools and prompt.text.endswith(_HARMONY_HEADER) else ""
        self._start = header + prompt.forced_start
        self._prompt_tokens = len(prompt.tokens)
        self._output_tokens = 0
        self._reasoning_tokens = 0

    @property
    def stopped(self) -> bool:
        """Whether a stop string was found: the caller then ends the generation and calls ``finish``."""
        return self._stop_strings.found

    def tokens(self, ids: Iterable[int]) -> Iterator[llm.Event]:
        """The events of the next generated ``ids``, with or without the one that ends the answer."""
        yield from self._read_start()
        for token in ids:
            if self.stopped:
                return
            self._output_tokens += 1
            yield from self._before_stop(self._text.feed(self._detokenizer.feed((token,))))
            self._reasoning_tokens += self._text.in_reasoning

    def finish(self, reason: Literal["stop", "length"], *, cached_tokens: int = 0) -> Iterator[llm.Event]:
        """What is left when the generation has ended for ``reason``; ends with ``Finished``.

        ``cached_tokens`` are the tokens of the prompt that were not computed again.
        """
        yield from self._read_start()
        if not self.stopped:
            yield from self._before_stop(self._text.feed(self._detokenizer.finish()))
            if self._text.undecided and reason == "stop":
                self._reasoning_tokens = 0  # what looked like reasoning is the answer
            yield from self._before_stop(self._text.finish(reason))
        yield from self._release()
        usage = llm.Usage(
            input_tokens=self._prompt_tokens,
            output_tokens=self._output_tokens,
            cached_tokens=cached_tokens,
            reasoning_tokens=self._reasoning_tokens,
        )
        ended: llm.FinishReason = "stop" if self.stopped else reason
        yield llm.Finished(reason="tool_calls" if ended == "stop" and self._text.has_called else ended, usage=usage)

    def _read_start(self) -> Iterator[llm.Event]:
        """Read once what the prompt has begun of the answer."""
        start, self._start = self._start, ""
        yield from self._before_stop(self._text.feed(start))

    def _before_stop(self, events: Iterator[llm.Event]) -> Iterator[llm.Event]:
        """``events`` up to a stop string in the answer."""
        for event in events:
            match event:
                case llm.TextDelta():
                    if text := self._stop_strings.feed(event.text):
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
        if held := self._stop_strings.finish():
            yield llm.TextDelta(text=held)

from collections.abc import Iterable
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import llm
from adapters.llm.decoding.output_decoder import OutputDecoder
from adapters.llm.prompting.encoded_prompt import EncodedPrompt
from adapters.llm.prompting.generation_settings import GenerationSettings

_TOOLS = (llm.Tool(name="weather", parameters={"type": "object", "required": ["city"]}),)
_CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>'
_SPECIAL = frozenset(("<|im_end|>", "<end_of_turn>", "[/INST]", "<0x0A>", "</s>", "<tool_call>", "</think>"))


def decode(ids: list[int]) -> str:
    """Tokens are bytes here."""
    return bytes(ids).decode(errors="replace")


def decoder(
    *, prompt: str = "", forced_start: str = "", tools: tuple[llm.Tool, ...] = (), stop: tuple[str, ...] = ()
) -> OutputDecoder:
    settings = GenerationSettings(stop=stop)
    encoded = EncodedPrompt(text=prompt, forced_start=forced_start, tokens=[0] * 7, settings=settings)
    return OutputDecoder(encoded, tools, decode, _SPECIAL)


def events_of(
    text: str,
    *,
    reason: Literal["stop", "length"] = "stop",
    pieces: Iterable[bytes] | None = None,
    **prompt: Any,
) -> list[llm.Event]:
    """All events of an answer whose tokens are the bytes of ``text``, or come in ``pieces``."""
    output = decoder(**prompt)
    events: list[llm.Event] = []
    for piece in [text.encode()] if pieces is None else pieces:
        events += output.tokens(piece)
        if output.stopped:
            break
    return [*events, *output.finish(reason, cached_tokens=3)]


def said(events: Iterable[llm.Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, llm.TextDelta))


def thought(events: Iterable[llm.Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, llm.ReasoningDelta))


def finished(events: list[llm.Event]) -> llm.Finished:
    assert isinstance(events[-1], llm.Finished)
    assert sum(isinstance(event, llm.Finished) for event in events) == 1
    return events[-1]


def usage(events: list[llm.Event]) -> llm.Usage:
    counted = finished(events).usage
    assert counted
    return counted


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_text_and_its_usage(reason: Literal["stop", "length"]) -> None:
    events = events_of("Héllo, 中!", reason=reason)
    assert said(events) == "Héllo, 中!"
    assert finished(events).reason == reason
    assert usage(events) == llm.Usage(input_tokens=7, output_tokens=12, cached_tokens=3)


def test_what_looks_like_a_tag_at_the_end_is_said_once() -> None:
    assert said(events_of("1 <")) == "1 <"
    assert said(events_of("Hello</thin", tools=_TOOLS)) == "Hello</thin"


def test_pieces_come_as_they_are_generated() -> None:
    output = decoder(stop=("END",))
    assert [said(output.tokens([token])) for token in "aé E!".encode()] == ["a", "", "é", " ", "", "E!"]


@pytest.mark.parametrize("token", ["<|im_end|>", "<end_of_turn>", "[/INST]", "<0x0A>", "</s>"])
def test_special_tokens_are_never_said(token: str) -> None:
    for tools in ((), _TOOLS):
        assert said(events_of(f"{token}A user says {token}x.{token}", tools=tools)) == "A user says x."


class TestStops:
    def test_a_stop_string_ends_the_answer_and_what_comes_after_is_dropped(self) -> None:
        events = events_of("One. END two.", stop=("END",), reason="length")
        assert (said(events), finished(events).reason) == ("One. ", "stop")
        assert usage(events).output_tokens == len("One. END")

    def test_what_only_began_like_a_stop_string_is_said(self) -> None:
        assert said(events_of("One EN", stop=("END",))) == "One EN"

    def test_thinking_and_arguments_are_not_searched(self) -> None:
        events = events_of(f"<think>Paris</think>{_CALL}", tools=_TOOLS, stop=("Paris",))
        assert finished(events).reason == "tool_calls"

    def test_what_is_held_back_is_said_before_a_call(self) -> None:
        events = events_of(f"I am EN{_CALL}", tools=_TOOLS, stop=("END",))
        kinds = [type(event) for event in events]
        assert said(events) == "I am EN"
        assert kinds.index(llm.ToolCallStarted) > max(at for at, kind in enumerate(kinds) if kind is llm.TextDelta)


class TestThinking:
    def test_it_is_counted(self) -> None:
        events = events_of("<think>hmhm</think>Hello.")
        assert (thought(events), said(events)) == ("hmhm", "Hello.")
        assert len("hmhm") <= usage(events).reasoning_tokens <= len("<think>hmhm</think>")

    @pytest.mark.parametrize("prompt", ["<|im_start|>assistant\n<think>\n", "[INST] <think>no</think>[/INST][THINK]"])
    def test_the_prompt_may_have_opened_it(self, prompt: str) -> None:
        closing = "[/THINK]" if prompt.endswith("[THINK]") else "</think>"
        events = events_of(f"hmhm{closing}Hello.", prompt=prompt)
        assert (thought(events), said(events)) == ("hmhm", "Hello.")
        assert usage(events).reasoning_tokens >= len("hmhm")

    def test_an_answer_that_never_closes_it_was_the_answer(self) -> None:
        events = events_of("Hello.", prompt="<think>\n")
        assert (said(events), usage(events).reasoning_tokens) == ("Hello.", 0)
        assert said(events_of("Hello.", prompt="<think>\n", reason="length")) == ""

    @pytest.mark.parametrize("prompt", ["", "assistant\n<think>\n\n</think>\n\n", "What does <think> mean?"])
    def test_otherwise_nothing_waits(self, prompt: str) -> None:
        output = decoder(prompt=prompt)
        assert said(output.tokens(b"Hello")) == "Hello"


class TestCalls:
    def test_a_call_is_the_reason_to_finish(self) -> None:
        events = events_of(f"I look. {_CALL}<|im_end|>", tools=_TOOLS)
        assert finished(events).reason == "tool_calls"
        assert said(events) == "I look. "
        assert [e.arguments for e in events if isinstance(e, llm.ToolCallFinished)] == ['{"city": "Paris"}']

    def test_an_answer_that_was_cut_off_in_a_call_is_too_long(self) -> None:
        events = events_of(_CALL[:-25], tools=_TOOLS, reason="length")
        assert finished(events).reason == "length"
        assert [bool(e.invalid) for e in events if isinstance(e, llm.ToolCallFinished)] == [True]

    def test_what_the_answer_was_made_to_begin_with_is_part_of_the_call(self) -> None:
        begun, rest = _CALL.split("weather")
        events = events_of(f"weather{rest}", tools=_TOOLS, forced_start=begun)
        assert [e.name for e in events if isinstance(e, llm.ToolCallFinished)] == ["weather"]
        assert usage(events).output_tokens == len(f"weather{rest}")

    def test_an_answer_without_a_token_still_has_its_beginning(self) -> None:
        events = events_of(
            "", tools=_TOOLS, forced_start='<tool_call>\n{"name": "weather", "arguments": ', reason="length"
        )
        assert [e.name for e in events if isinstance(e, llm.ToolCallFinished)] == ["weather"]

    def test_a_harmony_header_may_begin_in_the_prompt(self) -> None:
        events = events_of(
            ' to=functions.weather<|channel|>commentary<|message|>{"city": "Paris"}<|call|>',
            tools=_TOOLS,
            prompt="<|end|><|start|>assistant",
        )
        assert (said(events), finished(events).reason) == ("", "tool_calls")

    def test_without_tools_nothing_is_called(self) -> None:
        events = events_of("{" + _CALL)
        assert finished(events).reason == "stop"


@given(
    st.sampled_from([f"<think>hm</think>I é {_CALL}END of it", "Hello EN END", f"{_CALL}\n{_CALL}<|im_end|>", "中END"]),
    st.data(),
)
def test_how_the_tokens_come_changes_nothing(text: str, data: st.DataObject) -> None:
    data_ = text.encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(data_)))))
    pieces = [data_[start:end] for start, end in zip([0, *cuts], [*cuts, len(data_)], strict=True)]
    cut, whole = [events_of(text, tools=_TOOLS, stop=("END",), pieces=some) for some in (pieces, None)]
    assert (said(cut), thought(cut), finished(cut)) == (said(whole), thought(whole), finished(whole))

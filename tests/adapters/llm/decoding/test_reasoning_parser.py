from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.contract import llm
from adapters.llm.decoding.reasoning_parser import Delta, ReasoningParser
from adapters.llm.decoding.start_state import StartState


def events(pieces: Iterable[str], start: StartState, reason: llm.FinishReason = "stop") -> list[Delta]:
    parser = ReasoningParser(start)
    return [*(event for piece in pieces for event in parser.feed(piece)), *parser.finish(reason)]


def joined(found: Iterable[Delta]) -> tuple[str, str]:
    """What is thought and what is said."""
    found = list(found)
    assert all(event.text for event in found)
    return (
        "".join(event.text for event in found if isinstance(event, llm.ReasoningDelta)),
        "".join(event.text for event in found if isinstance(event, llm.TextDelta)),
    )


def read(text: str, *, inside: bool = False, reason: llm.FinishReason = "stop") -> tuple[str, str]:
    return joined(events([text], StartState(inside=inside), reason))


_FRAGMENTS = st.sampled_from(
    [
        *("<think>", "</think>", "<thinking>", "</thinking>", "[THINK]", "[/THINK]", "<seed:think>", "</seed:think>"),
        *("<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|return|>", "analysis", "final", "assistant"),
        *("<|channel>thought", "<channel|>", "<|open|>think<|sep|>", "<|close|>think<|sep|>", "<|open|>", "◁think▷"),
        *(
            "<|im_end|>",
            "</s>",
            "<｜end▁of▁sentence｜>",
            "<",
            "<|",
            "a < b",
            "x<y>z",
            "[",
            "[1](u)",
            " ",
            "\n",
            "hm",
            "é",
        ),
    ]
)
_TEXTS = st.lists(_FRAGMENTS, max_size=12).map("".join)


@settings(deadline=None)
@given(_TEXTS, st.booleans(), st.sampled_from(["stop", "length"]), st.data())
def test_how_the_text_is_cut_changes_nothing(
    text: str, inside: bool, reason: llm.FinishReason, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole, cut = StartState(inside=inside), StartState(inside=inside)
    assert joined(events(pieces, cut, reason)) == joined(events([text], whole, reason))
    assert cut.inside == whole.inside


@settings(deadline=None)
@given(st.text(alphabet="ab <>/|[]{}&;.\n\t\"'`◁▷é中", max_size=40))
@example("if a < b and c > d: x[0] <<= 1")
@example("<p>HTML</p> <thin> <s <|| |> List<Int> [TH] </")
def test_text_without_markers_comes_through_unharmed(text: str) -> None:
    if not any(marker in text for marker in ("<|", "<s>", "</s>")):
        assert joined(events(text, StartState())) == ("", text)


@pytest.mark.parametrize("text", ["a", "a ", "a.", "a <b ", "a < ", "x<y>", "[a", "a | b", "a [1", "<table"])
def test_no_word_waits_for_a_marker_that_cannot_come(text: str) -> None:
    assert joined(ReasoningParser(StartState()).feed(text)) == ("", text)


@pytest.mark.parametrize("text", ["a<", "a<|", "a</", "a<th", "a[TH", "a<|im_end"])
def test_only_the_beginning_of_a_marker_waits(text: str) -> None:
    assert joined(ReasoningParser(StartState()).feed(text)) == ("", "a")


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("<think>", "</think>"),
        ("<think>\n", "</think>\n\n"),
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("<seed:think>", "</seed:think>"),
        ("<longcat_think>", "</longcat_think>"),
        ("[THINK]", "[/THINK]"),
        ("◁think▷", "◁/think▷"),
        ("<|think:start|>", "<|think:end|>"),
        ("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
        ("<|channel>thought\n", "<channel|>"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("<|channel|>commentary to=f <|constrain|>json<|message|>", "<|end|><|start|>assistant<|message|>"),
    ],
)
def test_thinking_between_tags_is_not_said(begin: str, end: str, inside: bool) -> None:
    start = StartState(inside=inside)
    assert joined(events([f"{begin}hm <b> <think{end}Hello."], start)) == ("hm <b> <think", "Hello.")
    assert not start.inside


def test_thinking_in_the_middle_and_twice() -> None:
    assert read("I look. <think>hm</think>It is 42.<think>so</think>") == ("hmso", "I look. It is 42.")


def test_tags_that_may_be_talked_about_open_thinking_only_at_the_beginning() -> None:
    assert read("The tag <thinking> is")[1] == "The tag <thinking> is"
    assert read(" <thinking>is")[0] == "is"


def test_thinking_that_is_not_closed_is_not_said() -> None:
    assert read("<think>hm", reason="length") == ("hm", "")
    assert read("<think>hm") == ("hm", "")


def test_an_empty_thinking_is_nothing() -> None:
    assert events(["<think>\n\n</think>\n\nHi"], StartState()) == [llm.TextDelta(text="Hi")]


@pytest.mark.parametrize(
    "token",
    ["<|im_end|>", "<|eot_id|>", "<|endoftext|>", "</s>", "<s>", "<end_of_turn>", "<｜end▁of▁sentence｜>", "<turn|>"],
)
def test_special_tokens_are_not_said(token: str) -> None:
    assert read(f"{token}Hello{token} you.{token}") == ("", "Hello you.")


@pytest.mark.parametrize(("cut_off", "said"), [("<|im_e", ""), ("<", "<"), ("</thin", "</thin"), ("<|open|>", "")])
def test_what_is_cut_off_at_the_end_is_text_unless_it_can_only_be_a_token(cut_off: str, said: str) -> None:
    assert read(f"Hi {cut_off}") == ("", f"Hi {said}")


def test_a_header_without_end_does_not_swallow_the_answer() -> None:
    assert read("<|channel|>" + "word " * 50) == ("", "word " * 50)


class TestWhereAnAnswerBegins:
    def test_inside_nothing_is_said_before_the_closing_tag(self) -> None:
        parser = ReasoningParser(StartState(inside=True))
        assert list(parser.feed("hm")) == [llm.ReasoningDelta(text="hm")]
        assert list(parser.feed("</think>\n\nHello")) == [llm.TextDelta(text="Hello")]
        assert list(parser.feed(" you")) == [llm.TextDelta(text=" you")]

    def test_what_ends_without_a_closing_tag_was_the_answer_and_the_next_one_does_not_wait(self) -> None:
        start = StartState(inside=True)
        assert events(["Hello", " you"], start)[-1] == llm.TextDelta(text="Hello you")
        assert events(["Hello"], start) == [llm.TextDelta(text="Hello")]

    def test_what_is_cut_off_may_have_been_thinking(self) -> None:
        start = StartState(inside=True)
        assert joined(events(["hm"], start, "length")) == ("hm", "")
        assert start.inside

    def test_a_model_that_thinks_unasked_is_found_out_once(self) -> None:
        start = StartState()
        assert joined(events(["hm", "</think>\nHello"], start)) == ("", "hm\nHello")
        assert joined(events(["hm", "</think>\nHello"], start)) == ("hm", "Hello")

    def test_a_closing_tag_first_of_all_is_no_loss(self) -> None:
        assert read("</think>\n\nHello") == ("", "Hello")

    def test_an_answer_without_words_teaches_nothing(self) -> None:
        start = StartState(inside=True)
        assert events(["\n\n"], start, "tool_calls") == [llm.ReasoningDelta(text="\n\n")]
        assert start.inside

    def test_thinking_that_is_reported_apart_leaves_no_doubt(self) -> None:
        start = StartState(inside=True)
        parser = ReasoningParser(start)
        assert list(parser.report()) == []
        assert list(parser.feed("Hello</think> you")) == [llm.TextDelta(text="Hello"), llm.TextDelta(text=" you")]
        list(parser.finish("stop"))
        assert start.inside  # nothing was learnt: the next answer may come without a report

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("hm</think>Hello", ("hm", "Hello")),
            ("<think>hm</think>Hello", ("hm", "Hello")),
            ("Hello", ("", "Hello")),
        ],
    )
    @pytest.mark.parametrize("inside", [True, False])
    def test_a_whole_answer_needs_no_start(self, text: str, expected: tuple[str, str], inside: bool) -> None:
        parser = ReasoningParser(StartState(inside=inside))
        assert joined([*parser.whole(text), *parser.finish("stop")]) == expected

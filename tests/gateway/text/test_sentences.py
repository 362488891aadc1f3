"""Text is cut where a speaker would pause, at once, in every script, and never loses a character."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.sentences import Splitter


def pieces(text: str, *, first_clause: bool = False) -> list[str]:
    splitter = Splitter(first_clause=first_clause)
    return splitter.feed(text) + splitter.finish()


@pytest.mark.parametrize(
    "expected",
    [
        ["Sure!", " I can help.", " What is it?"],
        ["Dr. Smith met J. R. R. Tolkien of the U.S. Army.", " Then he left."],
        ["Pi is 3.14.", " Version 2.0.1 is out.", " See www.example.com/a.b?c=d or a.b@c.org."],
        ["No.", " See No. 5.", " So do I.", " It was 2019.", " Then it ended."],
        ["E.g. this, i.e. that, etc. and so on.", " Next."],
        ['He said "Stop!" and left.', ' "I will."', " She did."],
        ["**Bold.**", " Next."],
        ["Wait... what?", " Well… yes.", " Really?!", " Yes."],
        ["OK!", "好的。", "走吧"],
        ["你好，我是助手。", "「今天天气很好！」", "去公园吧？", "好"],
        ["नमस्ते।", " आप कैसे हैं?", " ठीक हूँ।"],
        ["مرحبا، كيف حالك؟", " أنا بخير۔", " شكرا."],
        ["Things:", "\n1. Apples", "\n2. Pears", "\n- Milk", "\n\nDone"],
        ["Use `a. B` and [the docs. Here](http://x.y/z?q=a.b) now.", " Next"],
        ["Look:", "\n```python\nx = 1. Y\n\nprint('a. B')\n```", "\nDone.", " Bye"],
        ["An [open bracket is nothing.", " And a ` backtick neither.", " Next"],
        ["z.B. so.", " Am Ende."],
    ],
)
def test_sentences(expected: list[str]) -> None:
    assert pieces("".join(expected)) == expected


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Well, yes, of course I can, and more. Next.", "Well, yes, of course I can,"),
        ("Absolutely wonderful — I will.", "Absolutely wonderful —"),
        ("Sure! Then, of course.", "Sure!"),
        ("It costs 1,000 dollars, they say: yes.", "It costs 1,000 dollars,"),
        ("At 10:30 in the morning, then.", "At 10:30 in the morning,"),
        ("我觉得今天，天气很好。", "我觉得今天，"),
        ("好，我觉得今天天气很好。", "好，我觉得今天天气很好。"),
        ("أعتقد أن الطقس جميل، نعم.", "أعتقد أن الطقس جميل،"),
        ("สวัสดีครับ ผมชื่อสมชาย", "สวัสดีครับ ผมชื่อสมชาย"),
        ("สวัสดีครับทุกท่าน ผมชื่อสมชาย", "สวัสดีครับทุกท่าน"),
    ],
)
def test_the_first_piece_may_be_a_clause(text: str, first: str) -> None:
    assert pieces(text, first_clause=True)[0] == first


def test_later_pieces_are_sentences() -> None:
    assert pieces("Well, of course I can, yes. And, as we all know, more.", first_clause=True) == [
        "Well, of course I can,",
        " yes.",
        " And, as we all know, more.",
    ]


def test_a_sentence_goes_out_as_soon_as_it_is_certain() -> None:
    splitter = Splitter()
    assert splitter.feed("Hello there") == []
    assert splitter.feed("!") == []
    assert splitter.feed(" ") == ["Hello there!"]
    assert splitter.feed("It is 3.") == []
    assert splitter.feed(" ") == []
    assert splitter.feed("T") == [" It is 3."]
    assert splitter.feed("his\n") == [" This"]


def test_text_without_punctuation_is_bounded() -> None:
    text = "word " * 300
    parts = pieces(text)
    assert "".join(parts) == text
    assert all(len(part) <= 400 and part.strip().replace("word", "").strip() == "" for part in parts)
    assert max(map(len, pieces("好" * 2000))) <= 400
    assert max(map(len, pieces("x" * 20_000))) <= 3200


def test_words_takes_what_is_pending_up_to_the_last_boundary() -> None:
    splitter = Splitter(first_clause=True)
    splitter.feed("Hel")
    assert splitter.words() is None
    splitter.feed("lo the")
    assert splitter.words() == "Hello"
    splitter.feed("re. Yes, and of course, no")
    assert splitter.finish() == [" Yes, and of course, no"]


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("I met Dr. ", "I met"),
        ("I met him. ", "I met him."),
        ("The number is 3.", "The number is"),
        ("今天我们讨论Python3语言", "今天我们讨论Python3语"),
        ("使用Pyth", "使用"),
        ("東京タワー", "東京タ"),
        ("สวัสดีครั", "สวัสดีค"),
        ("一共12", "一共"),
        ("see [the docs", "see"),
        ("```\nsome code here", None),
        ("- ", None),
        ("   ", None),
    ],
)
def test_words_never_breaks_a_word_a_character_or_a_span(text: str, taken: str | None) -> None:
    splitter = Splitter()
    splitter.feed(text)
    assert splitter.words() == taken
    assert (taken or "") + "".join(splitter.finish()) == text


MARKS = list('.!?…,—`[]()"*-。，」।؟ \n\u0301')
WORDS = ["Dr", "word", "A", "3", "```", "](", "www.a", "你好", "नमस्ते", "สวัสดี", "x" * 150, " " * 9, "1. "]
MATERIAL = st.lists(st.sampled_from(MARKS) | st.sampled_from(WORDS), max_size=60).map("".join)


@given(MATERIAL, st.lists(st.integers(0, 300)), st.booleans())
def test_however_the_text_comes_the_pieces_are_the_same(text: str, cuts: list[int], first_clause: bool) -> None:
    splitter = Splitter(first_clause=first_clause)
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    parts = [piece for start, end in pairwise(edges) for piece in splitter.feed(text[start:end])] + splitter.finish()
    assert parts == pieces(text, first_clause=first_clause)
    assert "".join(parts) == text
    assert all(parts)


@given(MATERIAL)
def test_letter_by_letter_with_words_nothing_is_lost(text: str) -> None:
    splitter = Splitter(first_clause=True)
    parts = []
    for character in text:
        parts += splitter.feed(character)
        if (words := splitter.words()) is not None:
            parts.append(words)
    assert "".join(parts + splitter.finish()) == text


@pytest.mark.parametrize("unit", ["a", "a. ", "[ ", "`x ", ". ", "\n", "```x\n", "你", " "])
def test_time_is_linear(unit: str) -> None:
    # A quadratic splitter would take minutes for this.
    text = unit * (60_000 // len(unit))
    splitter = Splitter(first_clause=True)
    size = sum(len(piece) for character in text for piece in splitter.feed(character))
    assert size + sum(map(len, splitter.finish())) == len(text)

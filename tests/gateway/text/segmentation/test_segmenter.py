"""Text is cut where a speaker would pause, at once, in every script, and never loses a character."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.segmentation.segmenter import LONGEST_PIECE, SentenceSegmenter
from tests.gateway.text.segmentation.sentence_tables import Case, cases

CASES = cases()


def pieces(text: str, *, first_clause: bool = False) -> list[str]:
    splitter = SentenceSegmenter(first_clause=first_clause)
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


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.language}: {case.text[:40]}")
def test_sentences_of_every_language(case: Case) -> None:
    assert (pieces(case.text) == list(case.sentences)) is not case.known_fault


def test_the_tables_are_many_and_the_known_faults_few() -> None:
    counts = Counter(case.language for case in CASES)
    assert len(counts) >= 40
    assert min(counts.values()) >= 10
    assert sum(case.known_fault for case in CASES) <= 12


@pytest.mark.parametrize("language", sorted({case.language for case in CASES}))
def test_what_was_given_out_is_what_the_whole_text_gives(language: str) -> None:
    """Letter by letter: no decision is made that a later letter would overturn."""
    text = "\n".join(case.text for case in CASES if case.language == language)
    splitter = SentenceSegmenter()
    given = [piece for character in text for piece in splitter.feed(character)]
    assert given + splitter.finish() == pieces(text)


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
        ("สวัสดีครับทุกท่าน ผมชื่อสมชาย", "สวัสดีครับทุกท่าน"),
        ("សូមស្វាគមន៍មកកាន់ទីនេះ ខ្ញុំឈ្មោះសុខា។", "សូមស្វាគមន៍មកកាន់ទីនេះ"),
        ("Τι θέλεις να κάνεις σήμερα; Καλά.", "Τι θέλεις να κάνεις σήμερα;"),
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
    splitter = SentenceSegmenter()
    assert splitter.feed("Hello there") == []
    assert splitter.feed("!") == []
    assert splitter.feed(" ") == []
    assert splitter.feed("I") == ["Hello there!"]
    assert splitter.feed("t is so.") == []
    assert splitter.feed(" ") == []
    assert splitter.feed("T") == [" It is so."]
    assert splitter.feed("hey had 3. ") == []
    assert splitter.feed("The") == []
    assert splitter.feed("n ") == [" They had 3."]
    assert splitter.feed("now\n") == [" Then now"]
    assert splitter.feed("你好。") == []
    assert splitter.feed("好") == ["\n你好。"]


def test_text_without_punctuation_is_bounded() -> None:
    text = "word " * 300
    parts = pieces(text)
    assert "".join(parts) == text
    assert all(len(part) <= 400 and part.strip().replace("word", "").strip() == "" for part in parts)
    assert max(map(len, pieces("好" * 2000))) <= 400
    assert list(map(len, pieces("x" * 2_500))) == [LONGEST_PIECE, LONGEST_PIECE, 500]


def test_a_long_link_behind_words_starts_a_piece_of_its_own() -> None:
    link = f"[x](http://a.b/{'y' * 450})"
    text = "word " * 70 + link + " more " * 40 + link
    assert "".join(pieces(text)) == text
    assert sum(link in piece for piece in pieces(text)) == 2


def test_long_code_is_given_out_in_parts_that_end_with_a_line() -> None:
    line = "x = '`' * 40  # a line\n"
    code = f"```python\n{line * 100}```"
    parts = pieces(f"Look:\n{code}\nDone.")
    assert "".join(parts) == f"Look:\n{code}\nDone."
    assert len(parts) > 3
    assert all(part.startswith("\n") for part in parts[1:])
    assert all(len(part) <= LONGEST_PIECE for part in parts)


def test_a_closing_fence_is_never_divided() -> None:
    for length in range(LONGEST_PIECE - 20, LONGEST_PIECE + 5):
        parts = pieces(f"```\n{'x' * length}```\nDone. Next")
        assert parts[-1] == " Next"
        assert all(part.count("```") == part.count("`") / 3 for part in parts)


def test_words_takes_what_is_pending_up_to_the_last_boundary() -> None:
    splitter = SentenceSegmenter(first_clause=True)
    splitter.feed("Hel")
    assert splitter.take_words() is None
    splitter.feed("lo the")
    assert splitter.take_words() == "Hello"
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
        ("東京タワー", "東京"),
        ("これは東京大学", "これは"),
        ("私は本を読みま", "私は本を"),
        ("สวัสดีครั", None),
        ("สวัสดีครับ\u200bผม", "สวัสดีครับ\u200b"),
        ("ยินดีที่ได้รู้จักและเป็นเพื่อน", "ยินดีที่ได้รู้จักและเป็น"),
        ("សួស្តីអ្នក", None),
        ("看https://zh.wikipedia.org/wiki/维基百科", "看"),
        ("一共12", "一共"),
        ("see [the docs", "see"),
        ("```\nsome code here", None),
        ("- ", None),
        ("   ", None),
    ],
)
def test_words_never_breaks_a_word_a_character_or_a_span(text: str, taken: str | None) -> None:
    splitter = SentenceSegmenter()
    splitter.feed(text)
    assert splitter.take_words() == taken
    assert (taken or "") + "".join(splitter.finish()) == text


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("It is 5 km from", "It"),
        ("I pay $ 5 now", "I"),
        ("am 3. Oktober ist", "am 3. Oktober"),
        ("am 3. ", None),
        ("we leave at 10:30 to", "we leave"),
        ("It was Dr. Smi", "It was"),
        ("about 5 Mio Euro", None),
        ("see **bold text** he", "see **bold text**"),
        ("see [the docs](http://x.y/z) and", "see [the docs](http://x.y/z)"),
        ("so $x = a and", "so"),
        ("a <a href='x' title='b", "a"),
        ("World War II e", "World War II"),
        ("salt & pepper is", "salt & pepper"),
        ("It is No. ", "It is"),
        ("I met him. ", "I met him."),
        ("一共12个", "一"),
    ],
)
def test_a_phrase_never_breaks_what_is_said_as_one(text: str, taken: str | None) -> None:
    splitter = SentenceSegmenter()
    splitter.feed(text)
    assert splitter.take_phrase() == taken
    assert (taken or "") + "".join(splitter.finish()) == text


def test_no_clause_ends_in_a_date_or_a_formula() -> None:
    assert pieces("We met on October 3, 2026, I think.", first_clause=True)[0] == "We met on October 3, 2026,"
    assert pieces("The sum $f(long, name)$ is fine, so.", first_clause=True)[0] == "The sum $f(long, name)$ is fine,"


def test_a_character_is_never_broken() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    for character in ("e\u0301\u0323", family, "ក្ម", "\U0001f44d\U0001f3fd"):
        parts = pieces("x" + character * 2000)
        assert len(parts) > 1
        assert all((part.removeprefix("x")).replace(character, "") == "" for part in parts)


MARKS = list('.!?…,;:—`[]()"*-。，」“»។؟۔፡． \n\u0301')
WORDS = [
    "Dr",
    "word",
    "A",
    "I",
    "3",
    "12",
    "am",
    "Then",
    "z",
    "h",
    "Jr",
    "https://",
    "```",
    "](",
    "www.a",
    "| ",
    "X" * 60,
]
SCRIPTS = ["你好", "と", "नमस्ते", "ए", "สวัสดี", "ครับ ", "និង", "Τι", "Է", "ა", "اے", "ም", "x" * 150, " " * 9, "1. "]
MATERIAL = st.lists(st.sampled_from(MARKS) | st.sampled_from(WORDS + SCRIPTS), max_size=60).map("".join)


@given(MATERIAL, st.lists(st.integers(0, 300)), st.booleans())
def test_however_the_text_comes_the_pieces_are_the_same(text: str, cuts: list[int], first_clause: bool) -> None:
    splitter = SentenceSegmenter(first_clause=first_clause)
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    parts = [piece for start, end in pairwise(edges) for piece in splitter.feed(text[start:end])] + splitter.finish()
    assert parts == pieces(text, first_clause=first_clause)
    assert "".join(parts) == text
    assert all(parts)


@given(MATERIAL, st.booleans())
def test_letter_by_letter_with_words_nothing_is_lost(text: str, by_phrase: bool) -> None:
    splitter = SentenceSegmenter(first_clause=True)
    parts = []
    for character in text:
        parts += splitter.feed(character)
        if (words := splitter.take_phrase() if by_phrase else splitter.take_words()) is not None:
            parts.append(words)
    assert "".join(parts + splitter.finish()) == text

"""What is spoken is what a person would read aloud, in every script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.speakable import speakable


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("**Hello** *world* ~~no~~ __yes__ _it_", "Hello world no yes it"),
        ("**bold that spans", "bold that spans"),
        ("the end** of it", "the end of it"),
        ("it's *very*, *very* good", "it's very, very good"),
        ("这是**重点**内容", "这是重点内容"),
        ("(**note**)", "(note)"),
        ("## Title ##", "Title"),
        ("# Title\n\nText", "Title, Text"),
        ("- milk\n* eggs\n1. bread\n> tea", "milk, eggs, bread, tea"),
        ("- [ ] wash", "wash"),
        ("---", ""),
        ("[the docs](http://x.y/z?a=1) and ![a cat](c.png)", "the docs and a cat"),
        ("use `pip install` now", "use pip install now"),
        ("Look:\n```python\nx = 1\n```\nDone.", "Look: Done."),
        ("```\nnever closed", ""),
        ("| A | B |\n|---|---|\n| 1 | 2 |", "A, B, 1, 2"),
        ("<b>bold</b><br/> a < b and c > d", "bold a < b and c > d"),
        ("[he](https://x.y/He_(pronoun)) is [here](z) [1](a) [^2]", "he is here 1"),
        ("a [b [c](d)", "a [b c"),
        ("Name: ________ and age____", "Name: and age"),
        ("see https://www.example.com/path?q=1. Next", "see example.com. Next"),
        ("Great 😀👍🏽 👨‍👩‍👧 ❤️!", "Great!"),
        ("1️⃣ first", "1 first"),
        ("\\*not emphasis\\*", "*not emphasis*"),
        ("Well, yes,", "Well, yes,"),
        ("a  \n\t b", "a b"),
    ],
)
def test_markup_goes(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4 = 24",
        "snake_case_words stay",
        "x^2 + y^2 ≥ 5 − 3",
        "-5 degrees, 20 °C, 50 %",
        "$5, €10, £3, ₹20 and ¥7",
        "C# and C++",
        "me@example.org",
        "5.",
        "don’t — “really”…",
        "हिन्दी में क्षमा करें।",
        "สวัสดีครับ น้ำ",
        "தமிழ் மொழி",
        "مرحباً بك",
        "נִקּוּד שָׁלוֹם",
        "نمی‌خواهم",
        "안녕하세요",
        "こんにちは、ガー",
        "你好，世界。",
        "café naïve Việt Nam e\u0301",
        "ශ්‍රී ලංකාව",
    ],
)
def test_what_is_to_be_said_survives(text: str) -> None:
    assert speakable(text) == text


@pytest.mark.parametrize("text", ["", " \n", "**", "😀", "* ", "...", "—", "`", "|---|"])
def test_nothing_to_say_is_empty(text: str) -> None:
    assert speakable(text) == ""


@given(st.text(st.characters(categories=["L", "M", "Nd"], exclude_characters="\ufe0e\ufe0f"), max_size=30))
def test_letters_marks_and_digits_are_never_lost(text: str) -> None:
    selectors = {chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x20E3)}
    wanted = "".join(character for character in text if character not in selectors)
    if any(map(str.isalnum, wanted)):
        assert "".join(c for c in speakable(wanted) if c not in selectors) == wanted


@given(st.text())
def test_any_text_is_one_clean_line(text: str) -> None:
    spoken = speakable(text)
    assert spoken == " ".join(spoken.split())


@pytest.mark.parametrize("around", ["a{}b", "|{}"])
@pytest.mark.parametrize("unit", [*" \t[_|*`", "![", "[^", "[](", "[a][", "- ", "<a"])
def test_a_run_is_read_in_a_time_that_grows_with_its_length(unit: str, around: str) -> None:
    """No clock: a pattern that reads the rest of the run at each character of it would take minutes here."""
    speakable(around.format(unit * (200_000 // len(unit))))

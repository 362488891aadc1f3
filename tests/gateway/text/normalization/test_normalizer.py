"""What is spoken is what a person would read aloud, in every script."""

import tomllib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.text.segmentation.segmenter import SentenceSegmenter
from tests.gateway.text.normalization.spoken_text import (
    READS_ALL,
    READS_NOTHING,
    READS_NUMBERS,
    spoken,
    spoken_in_turn,
)


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
    assert spoken(text, None, READS_ALL) == text


@pytest.mark.parametrize("text", ["", " \n", "**", "😀", "* ", "...", "—", "`", "|---|"])
def test_nothing_to_say_is_empty(text: str) -> None:
    assert spoken(text, None, READS_ALL) == ""


def compatible(text: str) -> str:
    """Two texts are the same but for compatibility forms if this is the same of both."""
    return unicodedata.normalize("NFKC", text)


@given(st.text(st.characters(categories=["L", "M", "Nd"], exclude_characters="\ufe0e\ufe0f"), max_size=30))
def test_letters_marks_and_digits_are_never_lost(text: str) -> None:
    selectors = {chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x20E3)}
    wanted = "".join(character for character in text if character not in selectors)
    if any(map(str.isalnum, compatible(wanted))):  # some letters, such as U+FE70, are a mark alone
        said = spoken(wanted, None, READS_ALL)
        assert compatible("".join(each for each in said if each not in selectors)) == compatible(wanted)


@pytest.mark.parametrize("language", [None, "en", "hi"])
def test_no_letter_or_mark_of_unicode_is_lost(language: str | None) -> None:
    """Each behind a letter, so that none begins a word or a line."""
    known = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code))[0] in "LM"]
    text = "".join(f"x{character}" for character in known)
    assert compatible(spoken(text, language)) == compatible(text)


@pytest.mark.parametrize(
    "text",
    ["ᄒ\u1161\u11ab", "བོད་ཡིག", "မြန်မာဘာသာ", "क्\u200dष क्\u200cष", "می\u200cخواهم", "葛\U000e0100城", "ᠮᠣᠩᠭᠣᠯ\u180b"],
)
def test_a_word_keeps_its_joiners_and_selectors(text: str) -> None:
    assert spoken(text, "hi") == text


@given(st.text())
def test_any_text_is_one_clean_line(text: str) -> None:
    line = spoken(text, None, READS_ALL)
    assert line == " ".join(line.split())


TABLES = Path(__file__).parent / "spoken"


def cases(table: str) -> list[tuple[str, str, str]]:
    """The language, what is written and what is said, of every language that has such a table."""
    found: list[tuple[str, str, str]] = []
    for file in sorted(TABLES.glob("*.toml")):
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        found.extend((file.stem, written, said) for written, said in content.get(table, []))
    return found


@pytest.mark.parametrize(("language", "written", "said"), cases("cases"))
def test_an_engine_that_reads_nothing_gets_words(language: str, written: str, said: str) -> None:
    assert spoken(written, language, READS_NOTHING) == said


@pytest.mark.parametrize(("language", "written", "said"), cases("digits"))
def test_an_engine_that_reads_numbers_gets_plain_digits(language: str, written: str, said: str) -> None:
    assert spoken(written, language, READS_NUMBERS) == said


def test_every_language_has_a_table() -> None:
    assert {language for language, _, _ in cases("cases")} == {language for language, _, _ in cases("digits")}
    assert len({language for language, _, _ in cases("cases")}) >= 36


def test_an_engine_that_reads_everything_is_left_to_it() -> None:
    assert spoken("$5.50 at 10:30, 5 km, Dr. No", "en", READS_ALL) == "$5.50 at 10:30, 5 km, Dr. No"


@pytest.mark.parametrize("language", ["../en", "xx", "e", "", "en/../de", "et"])
def test_a_language_that_is_not_known_is_left_as_it_is(language: str) -> None:
    assert spoken("5 km, $5.50, 1,234", language) == "5 km, $5.50, 1,234"


def test_a_region_decides_the_order_of_an_english_date() -> None:
    assert spoken("3/10/2026", "en-GB") == "October third, twenty twenty-six"
    assert spoken("5 km", "nb") == "5 kilometer"


@given(st.text(max_size=200), st.sampled_from(["en", "de", "fr", "es", "it", "pt", "nl", "ru", "ja", "th", "hi", "tr"]))
def test_no_letter_is_lost_in_any_language(text: str, language: str) -> None:
    """Without digits and signs, that is: those become words."""
    plain = " ".join("".join(character for character in text if character.isalpha() or character == " ").split())
    assert compatible(spoken(plain, language, READS_NOTHING)) == compatible(plain)


WRITTEN = st.lists(
    st.sampled_from(
        [
            "5 km",
            " ",
            "$5.50",
            "\n",
            "| a | b |\n",
            "```\nx\n```\n",
            "**b**",
            ". ",
            "Then ",
            "`c`",
            "[l](u)",
            "3.10.2026",
        ]
    ),
    max_size=12,
).map("".join)


@given(WRITTEN, st.data())
def test_any_split_of_the_stream_is_spoken_alike(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    splitter, whole = SentenceSegmenter(), SentenceSegmenter()
    pieces = [
        piece
        for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)
        for piece in splitter.feed(text[start:end])
    ]
    pieces += splitter.finish()
    assert spoken_in_turn(pieces) == spoken_in_turn([*whole.feed(text), *whole.finish()])

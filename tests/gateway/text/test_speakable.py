"""What is spoken is what a person would read aloud, in every script."""

import tomllib
import unicodedata
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import tts
from gateway.text import locale
from gateway.text.sentences import Splitter
from gateway.text.speakable import Reading, Speakable

MUTE = tts.Info(sample_rate=8_000, voices=("v",), default_voice="v")
"""Reads nothing itself: everything must reach it in words."""

DIGITS = msgspec.structs.replace(MUTE, reads=frozenset({"numbers"}))
"""Reads digits itself, as espeak-ng does."""

FULL = tts.Info(
    sample_rate=8_000,
    voices=("v",),
    default_voice="v",
    reads=frozenset({"numbers", "notation"}),
    phonemes=True,
)
"""Reads everything itself: only markup is to be taken away."""


def speakable(text: str, language: str | None = None, info: tts.Info = FULL) -> str:
    return Speakable(Reading(), language, info).say(text)


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
        ("- milk\n* eggs\n1. bread\n> tea", "milk, eggs, 1. bread, tea"),
        ("- [ ] wash", "wash"),
        ("---", ""),
        ("[the docs](http://x.y/z?a=1) and ![a cat](c.png)", "the docs and a cat"),
        ("use `pip install` now", "use pip install now"),
        ("Look:\n```python\nx = 1\n```\nDone.", "Look: Done."),
        ("```\nnever closed", ""),
        ("| A | B |\n|---|---|\n| 1 | 2 |", "A, B. 1, 2."),
        ("<b>bold</b><br/> a < b and c > d", "bold a < b and c > d"),
        ("if a<b and c>d then a<b && c>d", "if a<b and c>d then a<b && c>d"),
        ("List<String> or <answer>42</answer>", "List<String> or <answer>42</answer>"),
        ("<DIV class='x y'\n id=z>up</DIV> <!-- gone -->", "up"),
        ('<details open>more<input disabled /></details> <a href="x">in</a>', "more in"),
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


@pytest.mark.parametrize("language", [None, "en", "hi"])
def test_no_letter_or_mark_of_unicode_is_lost(language: str | None) -> None:
    """Each behind a letter, so that none begins a word or a line."""
    known = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code))[0] in "LM"]
    text = "".join(f"x{character}" for character in known)
    assert speakable(text, language, DIGITS) == text


@pytest.mark.parametrize(
    "text",
    ["ᄒ\u1161\u11ab", "བོད་ཡིག", "မြန်မာဘာသာ", "क्\u200dष क्\u200cष", "می\u200cخواهم", "葛\U000e0100城", "ᠮᠣᠩᠭᠣᠯ\u180b"],
)
def test_a_word_keeps_its_joiners_and_selectors(text: str) -> None:
    assert speakable(text, "hi", DIGITS) == text


@given(st.text())
def test_any_text_is_one_clean_line(text: str) -> None:
    spoken = speakable(text)
    assert spoken == " ".join(spoken.split())


@pytest.mark.parametrize("around", ["a{}b", "|{}"])
@pytest.mark.parametrize("unit", [*" \t[_|*`", "![", "[^", "[](", "[a][", "- ", "<a"])
def test_a_run_is_read_in_a_time_that_grows_with_its_length(unit: str, around: str) -> None:
    """No clock: a pattern that reads the rest of the run at each character of it would take minutes here."""
    speakable(around.format(unit * (200_000 // len(unit))))


TABLES = Path(__file__).parent / "speakable"


def cases(table: str) -> list[tuple[str, str, str]]:
    """The language, what is written and what is said, of every language that has such a table."""
    found: list[tuple[str, str, str]] = []
    for file in sorted(TABLES.glob("*.toml")):
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        found.extend((file.stem, written, spoken) for written, spoken in content.get(table, []))
    return found


@pytest.mark.parametrize(("language", "written", "spoken"), cases("cases"))
def test_an_engine_that_reads_nothing_gets_words(language: str, written: str, spoken: str) -> None:
    assert speakable(written, language, MUTE) == spoken


@pytest.mark.parametrize(("language", "written", "spoken"), cases("digits"))
def test_an_engine_that_reads_numbers_gets_plain_digits(language: str, written: str, spoken: str) -> None:
    assert speakable(written, language, DIGITS) == spoken


def test_more_than_twenty_languages_have_a_table() -> None:
    assert len({language for language, _, _ in cases("cases")}) >= 20


def test_an_engine_that_reads_everything_is_left_to_it() -> None:
    assert speakable("$5.50 at 10:30, 5 km, Dr. No", "en", FULL) == "$5.50 at 10:30, 5 km, Dr. No"


FORMS = {"two": [2], "french": [2], "romanian": [3], "russian": [3, 4], "polish": [4], "czech": [4], "arabic": [4]}


@pytest.mark.parametrize(
    "file", sorted(Path(locale.__file__).parent.glob("languages/*.toml")), ids=lambda file: file.stem
)
def test_every_language_file_is_understood(file: Path) -> None:
    known = locale.locale_of(file.stem)
    assert all((known.code, known.point, known.address["."]))
    for forms in (known.units | known.money | known.cents).values():
        assert "{}" in forms or len(forms.split("|")) in {1, *FORMS[known.plural]}


@pytest.mark.parametrize("language", ["../en", "xx", "e", "", "en/../de", "et"])
def test_a_language_that_is_not_known_is_left_as_it_is(language: str) -> None:
    assert speakable("5 km, $5.50, 1,234", language, DIGITS) == "5 km, $5.50, 1,234"


def test_a_region_decides_the_order_of_an_english_date() -> None:
    assert speakable("3/10/2026", "en-GB", DIGITS) == "October third, twenty twenty-six"
    assert speakable("5 km", "nb", DIGITS) == "5 kilometer"


def said(utterances: list[str], reading: Reading | None = None, language: str = "en") -> list[str]:
    speaking = Speakable(reading or Reading(), language, DIGITS)
    return [speaking.say(utterance) for utterance in utterances]


def test_code_over_several_utterances_is_left_out_once() -> None:
    utterances = ["Look:", "\n```python\nx = 1\n", "y = 2\n", "```", "\nDone."]
    assert said(utterances) == ["Look:", "code omitted.", "", "", "Done."]
    assert said(utterances, Reading(code="read")) == ["Look:", "x equals 1,", "y equals 2,", "", "Done."]


def test_code_between_tildes_may_hold_backticks() -> None:
    assert said(["~~~\na\n```\nb\n", "~~~\nDone."]) == ["code omitted.", "Done."]


def test_code_in_an_unknown_language_is_left_out_silently() -> None:
    assert speakable("a\n```\nx\n```\nb", None) == "a b"


def test_long_inline_code_is_left_out_and_short_code_read() -> None:
    long = "x = " + "1 + " * 20
    assert said([f"Use `get_name()` or `{long}` now."]) == ["Use get name or code omitted now."]


def test_a_table_over_several_utterances_is_read_by_row() -> None:
    assert said(["| City | km |", "\n|---|:-:|", "\n| Ulm | 5 |"]) == ["City, km.", "", "Ulm, 5."]


def test_a_dash_in_the_middle_of_a_line_is_no_list_marker() -> None:
    assert said(["It is 5", " - 3, really."], language="xx") == ["It is 5", "- 3, really."]
    assert said(["Lists:", "\n- milk"]) == ["Lists:", "milk"]


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("[![build](https://x.y/b.svg)](https://x.y)", "build"),
        ("True [1], [2, 3]. And 【4:0†source】", "True. And"),
        ("a[0] stays", "a[0] stays"),
        ("x\n\n[1]: https://x.y/z", "x"),
        ("[^1]: The note.", "The note."),
        ("&lt;b&gt; &amp; caf&eacute; &nosuch;", "<b> & café &nosuch;"),
        ("<!-- hidden --> <https://x.y/z>", "x.y"),
        ("price $5 and $10", "price $5 and $10"),
        ("[[Page]] and [[[x]]]", "Page and x"),
        ("- [x] done\n3. Oktober", "done, 3. Oktober"),
        ("葛\U000e0100城市", "葛\U000e0100城市"),
    ],
)
def test_more_markup_goes(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@given(st.text(max_size=200), st.sampled_from(["en", "de", "fr", "es", "it", "pt", "nl", "ru", "ja", "th", "hi", "tr"]))
def test_no_letter_is_lost_in_any_language(text: str, language: str) -> None:
    """Without digits and signs, that is: those become words."""
    plain = " ".join("".join(character for character in text if character.isalpha() or character == " ").split())
    assert speakable(plain, language, MUTE) == plain


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
    splitter, whole = Splitter(), Splitter()
    pieces = [
        piece
        for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)
        for piece in splitter.feed(text[start:end])
    ]
    pieces += splitter.finish()
    assert said(pieces) == said([*whole.feed(text), *whole.finish()])


HOSTILE = [
    *"1$.,:-/°%@",
    "1,",
    "1.",
    "1-",
    "a@",
    "a.",
    "01 ",
    "+1 ",
    "$a",
    "\\(",
    "\\[",
    "$1",
    "1 k",
    "【1",
    "~~~\n",
    "in 1",
]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("unit", HOSTILE)
def test_a_run_is_put_into_words_in_a_time_that_grows_with_its_length(unit: str, language: str) -> None:
    speakable(f"a{unit * (50_000 // len(unit))}b", language, DIGITS)

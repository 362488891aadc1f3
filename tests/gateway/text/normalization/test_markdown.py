"""Markdown and HTML are removed; what they contain is read as a person would read it."""

import pytest

from gateway.text.normalization.normalizer import ReadingOptions
from tests.gateway.text.normalization.spoken_text import READS_ALL, spoken, spoken_in_turn


def normalized(text: str) -> str:
    return spoken(text, None, READS_ALL)


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
    assert normalized(written) == spoken


def test_code_over_several_utterances_is_left_out_once() -> None:
    utterances = ["Look:", "\n```python\nx = 1\n", "y = 2\n", "```", "\nDone."]
    assert spoken_in_turn(utterances) == ["Look:", "code omitted.", "", "", "Done."]
    assert spoken_in_turn(utterances, ReadingOptions(code="read")) == [
        "Look:",
        "x equals 1,",
        "y equals 2,",
        "",
        "Done.",
    ]


def test_code_between_tildes_may_hold_backticks() -> None:
    assert spoken_in_turn(["~~~\na\n```\nb\n", "~~~\nDone."]) == ["code omitted.", "Done."]


def test_code_in_an_unknown_language_is_left_out_silently() -> None:
    assert normalized("a\n```\nx\n```\nb") == "a b"


def test_long_inline_code_is_left_out_and_short_code_read() -> None:
    long = "x = " + "1 + " * 20
    assert spoken_in_turn([f"Use `get_name()` or `{long}` now."]) == ["Use get name or code omitted now."]


def test_a_table_over_several_utterances_is_read_by_row() -> None:
    assert spoken_in_turn(["| City | km |", "\n|---|:-:|", "\n| Ulm | 5 |"]) == ["City, km.", "", "Ulm, 5."]


def test_a_dash_in_the_middle_of_a_line_is_no_list_marker() -> None:
    assert spoken_in_turn(["It is 5", " - 3, really."], language="xx") == ["It is 5", "- 3, really."]
    assert spoken_in_turn(["Lists:", "\n- milk"]) == ["Lists:", "milk"]


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
    assert normalized(written) == spoken

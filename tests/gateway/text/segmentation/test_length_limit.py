"""Long speakable text is divided between words, else between characters, and loses only white space."""

import pytest

from gateway.text.segmentation.length_limit import LONGEST_UTTERANCE, divided


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("  ", []),
        ("one two", ["one two"]),
        ("one two three", ["one two", "three"]),
        ("one  two  three", ["one  two", "three"]),
        ("onetwothree", ["onetwoth", "ree"]),
        ("a onetwothree", ["a", "onetwoth", "ree"]),
        ("eeeeeee\u0301\u0301e", ["eeeeee", "e\u0301\u0301e"]),
    ],
)
def test_long_text_is_divided(text: str, parts: list[str]) -> None:
    assert divided(text, 8) == parts


def test_what_fits_is_one_utterance() -> None:
    assert divided("x" * LONGEST_UTTERANCE) == ["x" * LONGEST_UTTERANCE]

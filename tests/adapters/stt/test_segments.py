"""Words become segments of about a sentence."""

import pytest

from adapters.contract import stt
from adapters.stt.segments import MOST_WORDS, segments_of


def words(text: str, pauses: dict[int, float] | None = None) -> list[stt.Word]:
    """Half a second a word, and a pause before some of them."""
    found, at = [], 0.0
    for number, word in enumerate(text.split()):
        at += (pauses or {}).get(number, 0.0)
        found.append(stt.Word(text=word, start=at, end=at + 0.5))
        at += 0.5
    return found


@pytest.mark.parametrize(
    ("said", "segments"),
    [
        (words(""), []),
        (words("It is late. Go home!"), [("It is late.", 0.0, 1.5), ("Go home!", 1.5, 2.5)]),
        (words('He said "no." Then he left'), [('He said "no."', 0.0, 1.5), ("Then he left", 1.5, 3.0)]),
        (words("one two three", {2: 1.0}), [("one two", 0.0, 1.0), ("three", 2.0, 2.5)]),
        (words("one two", {1: 0.9}), [("one two", 0.0, 1.9)]),
        (words("你好。 再见"), [("你好。", 0.0, 0.5), ("再见", 0.5, 1.0)]),
    ],
)
def test_segments(said: list[stt.Word], segments: list[tuple[str, float, float]]) -> None:
    assert [(each.text, each.start, round(each.end, 6)) for each in segments_of(said)] == segments


def test_words_without_a_full_stop_are_cut() -> None:
    found = segments_of(words("word " * (MOST_WORDS + 5)))
    assert [len(each.text.split()) for each in found] == [MOST_WORDS, 5]

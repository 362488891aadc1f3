"""Text is divided between words and never inside what a reader sees as one character."""

import pytest

from gateway.text.segmentation.word_boundaries import grapheme_end, is_word_boundary


@pytest.mark.parametrize(
    ("before", "after", "boundary"),
    [
        ("a", " ", True),
        (" ", " ", False),
        ("a", "b", False),
        ("今天", "天", True),
        ("こんにち", "は", False),
        ("これは東", "京", False),
        ("使用", "P", True),
        ("สวัสดี", "เ", True),
        ("ก", "ข", False),
        ("ប", "អ", False),
        ("a\u200b", "b", True),
    ],
)
def test_word_boundaries(before: str, after: str, boundary: bool) -> None:
    assert is_word_boundary(before, after) is boundary


@pytest.mark.parametrize(
    "cluster", ["e\u0301\u0323", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "ក្ម", "👍🏽", "क्\u200dष"]
)
def test_a_grapheme_is_kept_whole(cluster: str) -> None:
    text = "x" + cluster + "y"
    ends = {grapheme_end(text, end) for end in range(1, len(text) + 1)}
    assert ends == {1, len(cluster) + 1, len(text)}


def test_an_endless_grapheme_is_divided() -> None:
    assert grapheme_end("x" + "\u0301" * 200, 100) == 100

"""A clause is long enough by words, letters or ideographs, however it is divided."""

import pytest

from gateway.text.segmentation.clause_length import ClauseLength


@pytest.mark.parametrize(
    ("text", "enough"),
    [
        ("Well, yes", False),
        ("Well, yes, I", True),
        ("a - b - !", False),
        ("Absolutely", False),
        ("Absolutely so", True),
        ("我觉得今", False),
        ("我觉得今天", True),
        ("—" * 500, False),
    ],
)
def test_enough(text: str, enough: bool) -> None:
    for cut in range(len(text) + 1):
        clause = ClauseLength()
        clause.add(text[:cut])
        clause.add(text[cut:])
        assert clause.enough == enough

import msgspec
import pytest

from adapters.contract.guard import Request
from adapters.guards.patterns.worker import Patterns, matcher
from tests.support.workers import answered


def found(text: str, *patterns: str, before: str = "", ignore_case: bool = True) -> list[int]:
    answer = matcher(msgspec.json.encode(Patterns(patterns=patterns, ignore_case=ignore_case)).decode())
    [encoded] = answered(answer, msgspec.msgpack.encode(Request(text=text, before=before)))
    return msgspec.msgpack.decode(encoded, type=list[int])


def test_the_patterns_that_match_are_numbered() -> None:
    assert found("My card is 4111 1111 1111 1111.", r"\d{4} \d{4}", "house", "CARD") == [1, 3]
    assert found("My card.", "CARD", ignore_case=False) == []
    assert found("Nothing.", "card") == []


@pytest.mark.parametrize(
    ("before", "text", "expected"),
    [
        ("My card is 4111", " 1111.", [1]),  # it begins in what has passed
        ("It is 4111 1111.", " Yes.", []),  # it was judged before
        ("It is 4111 1111.", " And 4222 2222.", [1]),
    ],
)
def test_a_match_must_end_in_the_new_text(before: str, text: str, expected: list[int]) -> None:
    assert found(text, r"\d{4} \d{4}", before=before) == expected


def test_a_match_of_nothing_is_none() -> None:
    assert found("abc", r"\b", r"$") == []

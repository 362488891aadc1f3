"""What a complete text adds to what was streamed; ``test_statements`` has the same with whole events."""

import pytest

from adapters.llm.answer_limits import LimitExceeded
from adapters.llm.responses.item_index import keys_of
from adapters.llm.responses.streamed_text import Level, Restatement, StreamedText

FIRST, SECOND = keys_of("a", 0), keys_of("b", 1)


def streamed(*texts: str) -> StreamedText:
    """One message for each text."""
    text = StreamedText()
    for number, each in enumerate(texts):
        text.add(keys_of(f"m{number}", number), 0, each)
    return text


@pytest.mark.parametrize(
    ("pieces", "wholes", "rests"),
    [
        ([], ["abc"], ["abc"]),
        ([(0, "a")], ["abc"], ["bc"]),
        ([(0, "abc")], ["abc"], [""]),
        ([(0, "abcd")], ["abc"], [""]),
        ([(0, "x")], ["abc"], [""]),
        ([(0, "a"), (1, "b")], ["abc"], ["c"]),  # each piece a part of its own
        ([(0, "abc")], ["abc", "def"], ["", "def"]),
        ([(0, "ab")], ["abc", "def"], ["c", "def"]),
        ([(0, "abc"), (1, "de")], ["abc", "def"], ["", "f"]),
        ([(0, "abc")], ["", "def"], ["", ""]),
    ],
)
def test_the_rest_of_a_message(pieces: list[tuple[int, str]], wholes: list[str], rests: list[str]) -> None:
    text = StreamedText()
    for part, piece in pieces:
        text.add(FIRST, part, piece)
    assert text.rests(FIRST, 0, wholes, Level.ITEM) == rests
    if any(rests):
        assert text.rests(FIRST, 0, wholes, Level.ITEM) == [""] * len(wholes)


def test_a_later_part_may_begin_as_an_earlier_one() -> None:
    text = StreamedText()
    text.add(FIRST, 0, "A")
    assert text.rests(FIRST, 1, ["Apple"], Level.TEXT) == ["Apple"]


def test_a_new_place_is_a_new_message() -> None:
    text = streamed("x", "y")
    assert len(text) == 2
    assert text.rests(keys_of("m1", 1), 0, ["yz"], Level.ITEM) == ["z"]


def test_another_id_with_each_event_is_one_message() -> None:
    text = StreamedText()
    for number, piece in enumerate("abc"):
        text.add(keys_of(f"random{number}", None), 0, piece)
    assert len(text) == 1
    assert text.rests(keys_of("random3", None), 0, ["abcd"], Level.TEXT) == ["d"]
    assert text.rests(keys_of("random4", None), 0, ["abcd"], Level.ITEM) == [""]


def test_a_message_begins_once() -> None:
    text = StreamedText()
    for keys in (FIRST, FIRST, SECOND, keys_of("a", 5)):
        text.begin(keys)
    assert len(text) == 2


@pytest.mark.parametrize(
    ("said", "stated", "rests"),
    [
        (["a", "b"], ["a", "b"], ["", ""]),
        (["ab"], ["a", "b"], ["", ""]),
        (["a"], ["a", "b"], ["", "b"]),
        (["a"], ["ab"], ["b"]),
        ([], ["a", "b"], ["a", "b"]),
        (["x"], ["a"], [""]),
        (["x"], ["a", "b"], ["", "b"]),
        (["x y"], ["a", "y"], ["", ""]),
        (["a", "b"], ["a"], [""]),
        (["a"], ["", "a"], ["", ""]),
    ],
)
def test_a_complete_response_adds_what_is_missing(said: list[str], stated: list[str], rests: list[str]) -> None:
    restatement = Restatement(streamed(*said))
    assert [restatement.rest(keys_of(f"new{at}", None), at, text) for at, text in enumerate(stated)] == rests


def test_a_message_that_is_known_is_not_said_in_another_version() -> None:
    restatement = Restatement(streamed("x", "y"))
    assert restatement.rest(keys_of("m0", None), 0, "a") == ""
    assert restatement.rest(keys_of("m1", None), 2, "b") == ""


def test_messages_have_a_limit() -> None:
    text = StreamedText()
    with pytest.raises(LimitExceeded, match="256 messages"):
        for number in range(300):
            text.begin(keys_of(f"m{number}", None))
    with pytest.raises(LimitExceeded, match="256 messages"):
        Restatement(text).rest([], 256, "a")

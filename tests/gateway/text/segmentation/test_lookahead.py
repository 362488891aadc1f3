"""Look-ahead stops where text has not come yet, and answers at once where it has or will not."""

import pytest

from gateway.text.segmentation.lookahead import LookaheadBuffer, NeedMoreText


def buffer(text: str, *, ended: bool = False) -> LookaheadBuffer:
    made = LookaheadBuffer()
    made.text, made.ended = text, ended
    return made


def test_a_character_that_has_not_come_is_waited_for() -> None:
    assert buffer("ab").at(1) == "b"
    assert buffer("ab", ended=True).at(2) == ""
    with pytest.raises(NeedMoreText):
        buffer("ab").at(2)


def test_a_word_is_known_when_what_follows_it_is() -> None:
    assert buffer("“Hello there").word(0).text == "Hello"
    assert buffer("it's.", ended=True).word(0).mark == "."
    for unfinished in ("Hel", "it.", "don'"):
        with pytest.raises(NeedMoreText):
            buffer(unfinished).word(0)


def test_a_closing_mark_is_looked_for_on_its_line() -> None:
    assert buffer("a] b").closing("]", 0, 9) == 1
    assert buffer("a\n]").closing("]", 0, 9) is None
    assert buffer("abcdefghij]").closing("]", 0, 9) is None
    with pytest.raises(NeedMoreText):
        buffer("abc").closing("]", 0, 9)


def test_runs_are_read_to_a_bound() -> None:
    assert buffer("x" * 99).skip(frozenset("x"), 0) == 16
    assert buffer(" " * 99 + "a").skip_space(0) == 7
    assert buffer("  \n a").skip_space(0) == 2

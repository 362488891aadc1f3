"""How long a text takes to say: by its characters, those that are a syllable counting for more."""

import pytest

from gateway.text.speech_duration import characters_said, seconds_to_say


@pytest.mark.parametrize(("text", "seconds"), [("", 0), ("a" * 15, 1), ("语" * 5, 1), ("안녕하세요", 1), ("é" * 30, 2)])
def test_seconds(text: str, seconds: float) -> None:
    assert seconds_to_say(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds", "characters"),
    [("", 1, 0), ("a" * 15, 0, 0), ("a" * 15, 1.01, 10), ("a" * 15, 9, 15), ("1" * 15, 1.01, 1), ("语" * 5, 1.01, 3)],
)
def test_what_has_been_said_is_rather_too_little(text: str, seconds: float, characters: int) -> None:
    assert characters_said(text, seconds) == characters


def test_a_pause_after_a_clause_is_time_in_which_nothing_is_said() -> None:
    assert characters_said("a,b.c", 0.4) == 1
    assert characters_said("a,b.c", 0.46) == 2

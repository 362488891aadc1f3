"""How long a text takes to say: by its characters, those that are a syllable counting for more."""

import pytest

from gateway.text.speech_duration import seconds_to_say


@pytest.mark.parametrize(("text", "seconds"), [("", 0), ("a" * 15, 1), ("语" * 5, 1), ("안녕하세요", 1), ("é" * 30, 2)])
def test_seconds(text: str, seconds: float) -> None:
    assert seconds_to_say(text) == seconds

"""Duration is estimated by characters; a character that is a syllable counts as several letters."""

import pytest

from gateway.text.speech_duration import seconds_to_say


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 0), ("a" * 15, 1), ("Это тест текста", 1), ("今天天气很好", 1.2), ("한국어가나", 1), ("あいうえお", 1)],
)
def test_seconds_to_say(text: str, seconds: float) -> None:
    assert seconds_to_say(text) == pytest.approx(seconds)

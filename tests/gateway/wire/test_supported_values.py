"""The words that a field takes are listed as OpenAI lists them."""

import pytest

from gateway.wire.supported_values import supported_values


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["pcm16"], "Supported values are: 'pcm16'."),
        (["audio", "sse"], "Supported values are: 'audio' and 'sse'."),
        (["low", "medium", "high"], "Supported values are: 'low', 'medium', and 'high'."),
    ],
)
def test_words_are_listed_as_openai_lists_them(words: list[str], sentence: str) -> None:
    assert supported_values(words) == sentence

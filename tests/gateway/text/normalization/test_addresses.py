"""Of an address the host is read, by the words of the language; scheme, path and query are not."""

import pytest

from gateway.text.normalization.addresses import AddressVerbalizer
from gateway.text.normalization.locale import locale_of


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("see https://www.example.com/path?q=1. Next", "see example dot com. Next"),
        ("me.you@example.com", "me dot you at example dot com"),
        ("https://user:pass@x.org:8080/", "x dot org"),
        ("example.org/a, not a.b or 3.14", "example dot org, not a.b or 3.14"),
    ],
)
def test_addresses(written: str, said: str) -> None:
    assert AddressVerbalizer(locale_of("en").address).verbalize(written) == said


def test_without_words_a_host_is_kept() -> None:
    assert AddressVerbalizer({}).verbalize("see http://x.y/z me@x.y") == "see x.y me@x.y"

"""A record is one line in which everything can be seen, and an exception does not quote anybody."""

import logging
import re
import sys

import pytest

from gateway.telemetry.log_format import LogFormatter, printable


def formatted(message: str, *arguments: object, failed: bool = False) -> str:
    failure = sys.exc_info() if failed else None
    return LogFormatter().format(logging.LogRecord("gateway", logging.INFO, __file__, 1, message, arguments, failure))


def test_a_line_has_its_time_level_and_source() -> None:
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO gateway: Grüße, 名, 😀", formatted("Grüße, %s, 😀", "名")
    )


@pytest.mark.parametrize(
    "character",
    [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029", "\u202e", "\u2066", "\u061c", "\ud800"],
    ids=ascii,
)
def test_what_cannot_be_seen_is_escaped(character: str) -> None:
    line = formatted("the model %s", f"a{character}b")
    assert line.endswith(f"the model a{character.encode('unicode_escape').decode()}b")
    assert formatted(f"a{character}b").isprintable()


def test_what_can_be_seen_stays() -> None:
    text = "a b \\n 'quoted' é ü ß 名前 עברית عربى 👩‍👩‍👧 \u200d\u200c"
    assert printable(text) == text


def test_a_failure_is_named_with_the_places_it_passed_and_without_its_message() -> None:
    try:
        raise ValueError("my bank account is 1234")
    except ValueError:
        line = formatted("it failed:", failed=True)
    assert re.search(r"it failed: ValueError, \S+test_log_format\.py:\d+ test_a_failure", line)
    assert "1234" not in line

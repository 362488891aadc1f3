import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.upstream.untrusted_text import printable

KEY = "secret-key-1234567890"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain", "plain"),
        ("größe 猫 🎉", "größe 猫 🎉"),
        ("two\r\nlines\tand\x0bmore", "two lines and more"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("nul\x00 del\x7f c1\x85\x9b", "nul del c1"),
        ("\u2028\u2029\u202e\u2066\ufeff\ud83d end", "end"),
        ("", ""),
    ],
)
def test_control_characters_become_spaces(text: str, clean: str) -> None:
    assert printable(text) == clean


def test_keys_are_masked_also_when_shortened() -> None:
    said = printable(f"bad {KEY}x, Bearer {KEY[:10]}... sk-proj-abcdef12 hf_abcdefghij " + "x" * 9000, KEY)
    assert "secret" not in said
    assert "abcdef" not in said
    assert said.count("***") == 4
    assert len(said) == 300


def test_a_short_key_does_not_make_messages_unreadable() -> None:
    assert printable("extra text", "x") == "extra text"


@settings(derandomize=True, deadline=None)
@given(st.text())
def test_any_text_becomes_one_printable_line(text: str) -> None:
    said = printable(text, KEY)
    assert said.isprintable()
    assert len(said) <= 300

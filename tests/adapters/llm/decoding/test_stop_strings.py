import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.decoding.stop_strings import StopStrings


def read(strings: tuple[str, ...], pieces: list[str]) -> tuple[str, bool]:
    stops = StopStrings(strings)
    text = "".join(stops.feed(piece) for piece in pieces)
    return text + stops.finish(), stops.found


@pytest.mark.parametrize(
    ("strings", "text", "expected"),
    [
        (("END",), "one END two", ("one ", True)),
        (("END",), "ENENEND two", ("ENEN", True)),
        (("END",), "one EN", ("one EN", False)),
        (("b", "abc"), "xabc", ("xa", True)),
        (("abcd", "bc"), "abcd", ("a", True)),
        (("bc", "abc"), "abc", ("", True)),
        (("\n\n",), "a\nb\n\nc", ("a\nb", True)),
        ((), "all", ("all", False)),
        (("",), "all", ("all", False)),
    ],
)
def test_the_answer_ends_before_the_stop_string(
    strings: tuple[str, ...], text: str, expected: tuple[str, bool]
) -> None:
    assert read(strings, [text]) == read(strings, list(text)) == expected


def test_only_what_may_begin_a_stop_string_waits() -> None:
    stops = StopStrings(("END",))
    assert [stops.feed(piece) for piece in ("one E", "N", "tity E", "ND", " two")] == ["one ", "", "ENtity ", "", ""]
    assert (stops.found, stops.finish()) == (True, "")


@given(
    st.lists(st.text("abc", min_size=1, max_size=4), max_size=3).map(tuple),
    st.lists(st.text("abc", max_size=4), max_size=8),
)
def test_how_the_text_is_cut_changes_nothing(strings: tuple[str, ...], pieces: list[str]) -> None:
    assert read(strings, pieces) == read(strings, ["".join(pieces)])


def test_no_stop_string_reaches_over_a_tool_call() -> None:
    stops = StopStrings(("END",))
    assert [stops.feed("one E"), stops.finish(), stops.feed("ND"), stops.finish()] == ["one ", "E", "ND", ""]
    assert not stops.found


@given(
    st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=3).map(tuple),
    st.text("ab", max_size=20),
)
def test_the_first_stop_string_is_found(strings: tuple[str, ...], text: str) -> None:
    ends = [(at + len(string), at) for string in strings if (at := text.find(string)) >= 0]
    assert read(strings, [text]) == ((text[: min(ends)[1]], True) if ends else (text, False))

"""Arguments in pieces: objects are passed on at once, the rest is understood at the end."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.llm.answer_limits import LimitExceeded
from adapters.llm.tool_arguments import ToolArguments, as_text, call_id

OBJECT = '{"a": "x}\\"{", "b": [1, {}]}'


def joined(*pieces: str) -> str:
    """What is passed on of ``pieces``, all together."""
    arguments = ToolArguments()
    passed = "".join([*(arguments.append(piece) for piece in pieces), arguments.finish()])
    assert passed == arguments.text
    return passed


def test_an_object_is_passed_on_at_once() -> None:
    arguments = ToolArguments()
    assert [arguments.append(piece) for piece in (" ", "\n{", '"a"', ":1}")] == ["", " \n{", '"a"', ":1}"]
    assert arguments.passed_on == ' \n{"a":1}'
    assert arguments.finish() == ""


@pytest.mark.parametrize("text", ["null", " null\n", "", "  ", '""', "[]", '"null"', '"[]"', '"\\"\\""'])
def test_no_arguments_are_an_empty_object(text: str) -> None:
    assert joined(text) == joined(*text) == "{}"


@pytest.mark.parametrize("times", [1, 2])
def test_an_object_that_was_encoded_again_is_unpacked(times: int) -> None:
    text = OBJECT
    for _ in range(times):
        text = msgspec.json.encode(text).decode()
    assert joined(text) == joined(*text) == OBJECT


@pytest.mark.parametrize("text", ["5", "true", "[1]", '"text"', "{", '{"a', "nul", '"{', "'{}'", '"[1]"', "\x00"])
def test_what_is_no_object_is_left_unchanged(text: str) -> None:
    assert joined(text) == joined(*text) == text


@pytest.mark.parametrize("text", [OBJECT, "{}", "[1]", "null", '"{}"', '{"a": "\\\\"}'])
def test_completeness_is_known_however_the_text_is_split(text: str) -> None:
    arguments = ToolArguments()
    complete = []
    for character in text:
        arguments.append(character)
        complete.append(arguments.is_complete)
    assert complete[-1]
    if text[0] in '{["':
        assert not any(complete[:-1])


def test_nothing_is_not_complete() -> None:
    assert not ToolArguments().is_complete


@pytest.mark.parametrize(
    ("pieces", "whole", "passed"),
    [
        ([], OBJECT, OBJECT),
        (['{"a"'], '{"a":1}', ":1}"),
        (['{"a":1}'], '{"a":1}', ""),
        (['{"a": 1}'], '{"a":1}', ""),
        (["nul"], "{}", "{}"),
        (['"{'], '{"a":1}', '{"a":1}'),
    ],
)
def test_complete_arguments_add_what_is_missing(pieces: list[str], whole: str, passed: str) -> None:
    arguments = ToolArguments()
    before = "".join(arguments.append(piece) for piece in pieces)
    assert arguments.complete(whole) == passed
    assert arguments.finish() == ""
    assert arguments.text == before + passed


def test_arguments_have_a_limit() -> None:
    arguments = ToolArguments()
    with pytest.raises(LimitExceeded, match="262144"):
        for _ in range(300):
            arguments.append(" " * 1024)
    with pytest.raises(LimitExceeded):
        ToolArguments().complete("{" + " " * 300_000)


@settings(derandomize=True, deadline=None)
@given(st.text(alphabet='{}[]"\\ anul1:,\n', max_size=20), st.data())
def test_any_split_gives_the_same(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    assert joined(text[:at], text[at:]) == joined(text)


def test_arguments_in_any_type_become_text() -> None:
    given: list[Any] = [None, "", "{", {"a": 1}, [], 5]
    assert [as_text(value) for value in given] == ["", "", "{", '{"a":1}', "[]", "5"]
    deep: Any = {}
    for _ in range(200):
        deep = {"a": deep}
    with pytest.raises(LimitExceeded, match="deep"):
        as_text(deep)


@pytest.mark.parametrize("given", [None, "", "x" * 16_385, "a\nb", "\x1b", "taken"])
def test_ids_that_cannot_be_used_are_replaced(given: str | None) -> None:
    assert call_id(given, ["taken"]).startswith("call_")
    assert call_id(given, []) != call_id(given, []) or given == "taken"


@pytest.mark.parametrize("given", ["functions.f:0", "call_1__thought__" + "A" * 16_000])
def test_other_ids_are_kept(given: str) -> None:
    assert call_id(given, []) == given

"""Tool calls of a chat completion: pieces in any order, with any indexes and ids."""

from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.errors import UpstreamError
from tests.support.chat_chunks import calls, delta, read, tool


def test_a_call_arrives_piece_by_piece() -> None:
    assert read(
        tool(0, "a", "f", ""), tool(0, None, None, '{"x"'), tool(0, None, None, ":1}"), delta("tool_calls")
    ) == [
        llm.ToolCallStarted(call_id="a", name="f"),
        llm.ToolCallDelta(call_id="a", arguments='{"x"'),
        llm.ToolCallDelta(call_id="a", arguments=":1}"),
        llm.ToolCallFinished(call_id="a", name="f", arguments='{"x":1}'),
        llm.Finished(reason="tool_calls", usage=None),
    ]


def test_calls_are_joined_by_index_in_whatever_order() -> None:
    pieces = tool(1, "b", "g", "[1"), tool(0, "a", "f", "{"), tool(1, arguments=",2]"), tool(0, arguments="}")
    assert sorted(calls(*pieces)) == [("a", "f", "{}"), ("b", "g", "[1,2]")]


def test_arguments_before_the_name_are_kept() -> None:
    assert calls(tool(0, "a", None, "{"), tool(0, None, "f", "}")) == [("a", "f", "{}")]


def test_ids_and_names_repeated_with_every_piece_are_one_call() -> None:
    assert calls(tool(0, "a", "f", "{"), tool(0, "a", "f", "}")) == [("a", "f", "{}")]


def test_a_new_id_with_every_piece_is_still_one_call() -> None:
    assert calls(tool(0, "a", "f", "{"), tool(0, "b", None, "}")) == [("a", "f", "{}")]


def test_calls_without_number_or_id_are_told_apart_by_being_complete() -> None:
    pieces = tool(None, None, "f", '{"x"'), tool(None, None, "f", ":1}"), tool(None, None, "g", "{}")
    assert [call[1:] for call in calls(*pieces)] == [("f", '{"x":1}'), ("g", "{}")]


@pytest.mark.parametrize(("text", "fault"), [('{"x', "not valid JSON"), ('"x"', "not a JSON object")])
def test_arguments_that_are_no_object_are_the_failure_of_that_call_alone(text: str, fault: str) -> None:
    found = read(tool(0, "a", "f", text), tool(1, "b", "f", "{}"), delta("tool_calls"))
    faults = [made.invalid for made in found if isinstance(made, llm.ToolCallFinished)]
    assert faults == [f"The arguments of the call to 'f' are {fault}.", None]


@pytest.mark.parametrize("index", [None, 0])
def test_calls_that_share_an_index_are_told_apart_by_id(index: int | None) -> None:
    pieces = tool(index, "a", "f", "{"), tool(index, None, None, "}"), tool(index, "b", "g", "{ }")
    assert calls(*pieces) == [("a", "f", "{}"), ("b", "g", "{ }")]


def test_missing_and_doubled_ids_are_made_up() -> None:
    made = [
        call_id for call_id, _, _ in calls(tool(0, None, "f"), tool(1, "", "f"), tool(2, "a", "f"), tool(3, "a", "f"))
    ]
    assert len(set(made)) == 4
    assert [call_id.startswith("call_") for call_id in made] == [True, True, False, True]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    assert calls(tool(0, "a", "f", "")) == [("a", "f", "{}")]


def test_arguments_that_are_an_object_become_json() -> None:
    assert calls(tool(0, "a", "f", {"x": 1})) == [("a", "f", '{"x":1}')]


@pytest.mark.parametrize("call_id", [None, ""])
@pytest.mark.parametrize("index", [0, None, "0", 0.0])
def test_calls_that_share_an_index_without_ids_are_told_apart_by_a_second_name(index: Any, call_id: str | None) -> None:
    pieces = tool(index, call_id, "f", '{"x"'), tool(index, None, None, ":1}"), tool(index, call_id, "g", '{"y":2}')
    assert [call[1:] for call in calls(*pieces)] == [("f", '{"x":1}'), ("g", '{"y":2}')]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([("f", '{"x":1}'), ("f", '{"x":2}')], [("f", '{"x":1}'), ("f", '{"x":2}')]),
        ([("f", ""), (None, '{"x":1}'), ("f", ""), (None, '{"x":2}')], [("f", '{"x":1}'), ("f", '{"x":2}')]),
        ([("f", '{"x"'), ("f", ":1}")], [("f", '{"x":1}')]),
        ([("f", '{"x":1}'), ("f", "")], [("f", '{"x":1}')]),
        ([("f", '{"x":1}'), ("f", ""), (None, " ")], [("f", '{"x":1} ')]),
        ([("f", ""), ("g", "{}")], [("f", "{}"), ("g", "{}")]),
        ([("f", '{"x"'), ("g", "{}")], [("f", '{"x"'), ("g", "{}")]),
        ([("f", "{}"), ("f", "{}")], [("f", "{}"), ("f", "{}")]),
        ([("f", '{"x":"}"'), ("f", "}")], [("f", '{"x":"}"}')]),
        ([(None, '{"x":1}'), ("f", "")], [("f", '{"x":1}')]),
    ],
)
def test_names_that_come_again_without_ids(pieces: list[tuple[str | None, str]], expected: list[Any]) -> None:
    for index in (0, None):
        found = calls(*(tool(index, None, name, arguments) for name, arguments in pieces))
        assert [call[1:] for call in found] == expected


def test_a_call_that_is_said_again_as_a_whole_is_one_call() -> None:
    whole = tool(0, "a", "f", '{"x":1}')
    assert calls(tool(0, "a", "f", '{"x"'), tool(0, None, None, ":1}"), whole) == [("a", "f", '{"x":1}')]


def test_a_server_with_ids_does_not_begin_a_call_without_one() -> None:
    assert calls(tool(0, "a", "get_", '{"x"'), tool(0, None, "weather", ":1}")) == [("a", "get_", '{"x":1}')]


@pytest.mark.parametrize(
    ("arguments", "read_as"),
    [
        ("null", "{}"),
        ("", "{}"),
        (None, "{}"),
        ([], "{}"),
        ("[]", "{}"),
        ('"{\\"x\\":1}"', '{"x":1}'),
        ({"x": [1]}, '{"x":[1]}'),
        ("5", "5"),
        (5, "5"),
    ],
)
def test_arguments_in_every_form(arguments: Any, read_as: str) -> None:
    assert calls(tool(0, "a", "f", arguments)) == [("a", "f", read_as)]
    if isinstance(arguments, str):
        assert calls(tool(0, "a", "f"), *(tool(0, arguments=part) for part in arguments)) == [("a", "f", read_as)]


@pytest.mark.parametrize(
    ("call", "call_id"),
    [
        ({"index": "0", "id": 5, "function": {"name": "f", "arguments": "{}"}}, "5"),
        ({"index": 0.0, "id": "a", "function": {"name": "f", "arguments": "{}"}, "type": 7}, "a"),
        ({"index": None, "id": "a", "function": {"name": "f", "arguments": "{}"}}, "a"),
        ({"index": {}, "id": "a", "function": {"name": "f", "arguments": "{}"}}, "a"),
    ],
)
def test_bookkeeping_of_another_type_is_coerced_or_ignored(call: Any, call_id: str) -> None:
    for tool_calls in ([call], call, [None, call, "x"]):
        assert calls(delta(tool_calls=tool_calls)) == [(call_id, "f", "{}")]


@pytest.mark.parametrize("given", ["x" * (llm.LONGEST_CALL_ID + 1), "a\nb", "\x1b[31m"])
def test_an_id_that_cannot_be_sent_on_is_replaced(given: str) -> None:
    [(call_id, *_)] = calls(tool(0, given, "f", "{"), tool(0, given, "f", "}"))
    assert call_id.startswith("call_")


def test_the_number_of_calls_has_a_limit() -> None:
    assert len(calls(*(tool(number, None, "f", "{}") for number in range(128)))) == 128
    with pytest.raises(UpstreamError, match="more than 128 tools"):
        calls(*(tool(number, None, "f", "{}") for number in range(129)))


def test_the_arguments_of_a_call_have_a_limit() -> None:
    with pytest.raises(UpstreamError, match="more than 262144 characters"):
        calls(tool(0, "a", "f", "{"), *(tool(0, arguments=" " * 10_000) for _ in range(27)))


def test_arguments_nested_too_deeply_are_an_error() -> None:
    deep: Any = {}
    for _ in range(150):
        deep = {"a": deep}
    with pytest.raises(UpstreamError, match="nested too deeply"):
        calls(tool(0, "a", "f", deep))


def test_the_name_of_a_tool_has_a_limit() -> None:
    with pytest.raises(UpstreamError, match="name of more than 256 characters"):
        calls(tool(0, "a", "f" * 257, "{}"))

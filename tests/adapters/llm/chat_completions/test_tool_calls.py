"""Tool calls of a chat completion: pieces in any order, with any indexes and ids."""

import pytest

from adapters.contract import llm
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
    pieces = tool(index, "a", "f", "{"), tool(index, None, None, "}"), tool(index, "b", "g", "[]")
    assert calls(*pieces) == [("a", "f", "{}"), ("b", "g", "[]")]


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

"""Tool calls of a response: pieces under changing keys, and calls that are not streamed."""

from typing import Any

import pytest

from adapters.contract import llm
from tests.support.response_events import COUNTED, call, calls, end, event, read


def test_a_call_arrives_piece_by_piece() -> None:
    assert read(
        event("output_item.added", output_index=1, item=call()),
        event("function_call_arguments.delta", output_index=1, item_id="fc_1", delta='{"x"'),
        event("function_call_arguments.delta", output_index=1, item_id="fc_1", delta=":1}"),
        event("function_call_arguments.done", output_index=1, item_id="fc_1", arguments='{"x":1}'),
        event("output_item.done", output_index=1, item=call('{"x":1}')),
        end(output=[call('{"x":1}')]),
    ) == [
        llm.ToolCallStarted(call_id="call_1", name="f"),
        llm.ToolCallDelta(call_id="call_1", arguments='{"x"'),
        llm.ToolCallDelta(call_id="call_1", arguments=":1}"),
        llm.ToolCallFinished(call_id="call_1", name="f", arguments='{"x":1}'),
        llm.Finished(reason="tool_calls", usage=COUNTED),
    ]


def test_pieces_of_two_calls_are_kept_apart() -> None:
    assert sorted(
        calls(
            event("output_item.added", output_index=0, item=call()),
            event("output_item.added", output_index=1, item=call(item_id="fc_2", call_id="call_2", name="g")),
            event("function_call_arguments.delta", output_index=1, item_id="fc_2", delta="[2]"),
            event("function_call_arguments.delta", output_index=0, item_id="fc_1", delta="[1]"),
        )
    ) == [("call_1", "f", "[1]"), ("call_2", "g", "[2]")]


def test_pieces_whose_item_id_changes_are_found_by_their_place() -> None:
    assert calls(
        event("output_item.added", output_index=0, item=call(item_id="fc_a")),
        event("function_call_arguments.delta", output_index=0, item_id="fc_b", delta="[1]"),
        event("output_item.done", output_index=0, item=call("[1]", item_id="fc_c")),
    ) == [("call_1", "f", "[1]")]


@pytest.mark.parametrize(
    "received",
    [
        [event("output_item.done", output_index=0, item=call("[1]"))],
        [
            event("output_item.added", output_index=0, item=call()),
            event("function_call_arguments.done", item_id="fc_1", arguments="[1]"),
        ],
        [
            event("output_item.added", output_index=0, item=call()),
            event("function_call_arguments.delta", item_id="fc_1", delta="["),
            event("output_item.done", output_index=0, item=call("[1]")),
        ],
    ],
)
def test_arguments_that_were_not_streamed_are_made_up_for(received: list[Any]) -> None:
    assert calls(*received) == [("call_1", "f", "[1]")]


def test_arguments_that_are_an_object_become_json() -> None:
    item = call() | {"arguments": {"x": 1}}
    assert calls(event("output_item.done", output_index=0, item=item)) == [("call_1", "f", '{"x":1}')]


@pytest.mark.parametrize(("text", "fault"), [("{", "not valid JSON"), ("[1]", "not a JSON object")])
def test_arguments_that_are_no_object_are_the_failure_of_that_call_alone(text: str, fault: str) -> None:
    other = event("output_item.done", output_index=1, item=call("{}", item_id="fc_2", call_id="call_2"))
    found = read(event("output_item.done", output_index=0, item=call(text)), other, end())
    faults = [made.invalid for made in found if isinstance(made, llm.ToolCallFinished)]
    assert faults == [f"The arguments of the call to 'f' are {fault}.", None]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    added = event("output_item.added", output_index=0, item=call())
    assert calls(added, event("output_item.done", output_index=0, item=call())) == [("call_1", "f", "{}")]

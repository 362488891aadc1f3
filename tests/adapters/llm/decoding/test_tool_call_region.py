import pytest

from adapters.contract import llm
from adapters.llm.decoding.json_tool_calls import RawToolCall
from adapters.llm.decoding.reasoning_parser import ToolCallOpening
from adapters.llm.decoding.special_tokens import finder
from adapters.llm.decoding.tool_call_region import ToolCallRegion

_TOOLS = (llm.Tool(name="f"),)
_JSON = '{"name": "f", "arguments": {}}'
_CALL = RawToolCall(name="f", arguments="{}")


def region(tag: str, name: str = "") -> ToolCallRegion:
    return ToolCallRegion(ToolCallOpening(tag=tag, name=name, rest=""), _TOOLS)


@pytest.mark.parametrize(
    ("tag", "name", "text", "rest"),
    [
        ("<tool_call>", "", f"{_JSON}</tool_call> and more", " and more"),
        ("<tool_call>", "", "<function=f></function></tool_call>!", "!"),
        ("[TOOL_CALLS]", "", f"[{_JSON}] and more", " and more"),
        ("[TOOL_CALLS]", "", "f[ARGS]{} and more", " and more"),
        ("<|message|>", "f", "{}<|call|><|start|>", "<|start|>"),
        ("<|python_tag|>", "", f"{_JSON}<|eom_id|>x", "x"),
        ("{", "", f"{_JSON[1:]} and more", " and more"),
    ],
)
def test_what_follows_the_calls_is_returned_however_the_text_is_cut(tag: str, name: str, text: str, rest: str) -> None:
    for size in (1, 5, len(text)):
        read, left = region(tag, name), None
        for at in range(0, len(text), size):
            left = read.feed(text[at : at + size])
            if left is not None:
                left += text[at + size :]
                break
        assert left == rest
        assert read.calls() == [_CALL]


def test_an_object_that_names_no_tool_is_no_call() -> None:
    read = region("{")
    assert read.feed('"name": "g", "parameters": {}}') == ""
    assert read.calls() is None


def test_the_name_is_known_before_the_end() -> None:
    read = region("<tool_call>")
    assert read.feed('{"name": "f", "argu') is None
    assert read.name == "f"


def test_special_tokens_at_the_end_of_an_answer_are_no_part_of_a_broken_call() -> None:
    read = region("<tool_call>")
    assert read.feed('{"name": "f", "arguments": {"a<|im_end|>') is None
    assert read.finish(finder(frozenset())) == ""
    assert read.calls() == [RawToolCall(name="f", arguments='{"a')]

"""Tools in every form become what models read; one without a name is refused."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.wire.tools import ChatTool, ChosenTool, tool_choice_of, tool_of

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def tool(**fields: Any) -> llm.Tool:
    return tool_of(msgspec.convert(fields, ChatTool))


def test_nested_and_flat_tools_are_the_same() -> None:
    function = {"name": "weather", "description": "Tells it.", "parameters": SCHEMA, "strict": True}
    expected = llm.Tool(name="weather", description="Tells it.", parameters=SCHEMA, strict=True)
    assert tool(type="function", function=function) == tool(type="function", **function) == expected


def test_a_tool_needs_a_name() -> None:
    with pytest.raises(InvalidRequest, match=r"tools\[\].name"):
        tool(type="function", description="nameless")


def test_choices_of_tools() -> None:
    for word in ("auto", "none", "required"):
        assert tool_choice_of(word) == word
    nested = msgspec.convert({"type": "function", "function": {"name": "clock"}}, ChosenTool)
    flat = msgspec.convert({"type": "function", "name": "clock"}, ChosenTool)
    assert tool_choice_of(nested) == tool_choice_of(flat) == llm.NamedTool(name="clock")
    with pytest.raises(InvalidRequest, match=r"tool_choice.name"):
        tool_choice_of(msgspec.convert({"type": "function"}, ChosenTool))

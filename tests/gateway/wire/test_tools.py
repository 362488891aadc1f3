"""Tools in every form become what models read; one without a name is refused."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported
from gateway.wire.tools import AllowedTools, ChatTool, ChosenTool, allowed_of, check_tool_types, tool_choice_of, tool_of

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


def test_a_choice_may_leave_some_of_the_tools() -> None:
    clock, weather = llm.Tool(name="clock"), llm.Tool(name="weather")

    def left(*names: str) -> tuple[llm.Tool, ...]:
        tools = [{"type": "function", "function": {"name": name}} for name in names]
        wire = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": tools}}
        return allowed_of(msgspec.convert(wire, AllowedTools), (clock, weather))

    assert left("weather") == (weather,)
    for names in (("weather", "stars"), ()):
        with pytest.raises(InvalidRequest, match="allowed_tools"):
            left(*names)


def test_tools_that_run_at_openai_are_refused() -> None:
    check_tool_types([{"type": "function", "name": "clock"}, {"name": "x"}, 7])
    with pytest.raises(Unsupported, match="'custom'") as refusal:
        check_tool_types([{"type": "function"}, {"type": "custom"}])
    assert refusal.value.param == "tools[1].type"

"""Tools in every form become what models read; one without a name is refused."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported
from gateway.wire.tools import AllowedTools, ChatTool, ChosenTool, check_tool_types, offered, tool_choice_of, tool_of

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def tool(**fields: Any) -> llm.Tool:
    return tool_of(msgspec.convert(fields, ChatTool))


def test_nested_and_flat_tools_are_the_same() -> None:
    function = {"name": "weather", "description": "Tells it.", "parameters": SCHEMA, "strict": True}
    expected = llm.Tool(name="weather", description="Tells it.", parameters=SCHEMA, strict=True)
    assert tool(type="function", function=function) == tool(type="function", **function) == expected


def test_what_holds_for_a_tool_that_does_not_say_whether_it_is_strict() -> None:
    wire = msgspec.convert({"type": "function", "function": {"name": "clock"}}, ChatTool)
    assert tool_of(wire).strict is False
    assert tool_of(wire, strict=None).strict is None
    assert offered([wire], None, strict=None) == ((llm.Tool(name="clock", strict=None),), None)
    said = msgspec.convert({"type": "function", "name": "clock", "strict": True}, ChatTool)
    assert tool_of(said).strict is tool_of(said, strict=None).strict is True


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


def test_what_is_offered_without_a_choice_among_tools() -> None:
    clock = msgspec.convert({"type": "function", "name": "clock"}, ChatTool)
    assert offered(None, None) == offered(None, "auto") == offered([], "none") == ((), None)
    assert offered(None, "required") == ((), "required")
    assert offered([clock], None) == ((llm.Tool(name="clock"),), None)
    assert offered([clock], "auto") == ((llm.Tool(name="clock"),), "auto")


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_a_choice_may_leave_some_of_the_tools(mode: str) -> None:
    tools = [msgspec.convert({"type": "function", "name": name}, ChatTool) for name in ("clock", "weather")]

    def left(names: tuple[str, ...], *, nested: bool) -> tuple[Any, Any]:
        chosen = [
            {"type": "function", "function": {"name": name}} if nested else {"type": "function", "name": name}
            for name in names
        ]
        subset = {"mode": mode, "tools": chosen}
        wire = {"type": "allowed_tools", **({"allowed_tools": subset} if nested else subset)}
        return offered(tools, msgspec.convert(wire, AllowedTools))

    for nested in (True, False):
        assert left(("weather",), nested=nested) == ((llm.Tool(name="weather"),), mode)
        for names in (("weather", "stars"), ()):
            with pytest.raises(InvalidRequest, match="allowed_tools"):
                left(names, nested=nested)


@pytest.mark.parametrize(("lacking", "sent"), [("mode", {"tools": []}), ("tools", {"mode": "auto"})])
def test_a_choice_among_tools_has_both_its_fields(lacking: str, sent: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="Missing required parameter") as refusal:
        offered([], msgspec.convert({"type": "allowed_tools", **sent}, AllowedTools))
    assert refusal.value.param == f"tool_choice.{lacking}"


def test_tools_that_run_at_openai_are_refused() -> None:
    check_tool_types([{"type": "function", "name": "clock"}, {"name": "x"}, 7])
    with pytest.raises(Unsupported, match="'custom'") as refusal:
        check_tool_types([{"type": "function"}, {"type": "custom"}])
    assert refusal.value.param == "tools[1].type"

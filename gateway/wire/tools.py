"""Tools in the forms of Chat Completions, Responses and Realtime, and what they are to a language model."""

from typing import Any, Literal

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest

ToolWord = Literal["auto", "none", "required"]


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A function; ``parameters`` is a JSON Schema."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ChatTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool, nested as in Chat Completions (``function``) or flat as in Responses and Realtime (``name``…)."""

    type: Literal["function"]
    function: Function | None = None
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ChosenFunction(msgspec.Struct, frozen=True, kw_only=True):
    """The name of the function that must be called."""

    name: str


class ChosenTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool choice that forces one function, nested or flat."""

    type: Literal["function"]
    function: ChosenFunction | None = None
    name: str | None = None


def tool_of(tool: ChatTool) -> llm.Tool:
    """The tool as the language model gets it. Raises ``InvalidRequest`` without a name."""
    if tool.function is not None:
        nested = tool.function
        return llm.Tool(
            name=nested.name, description=nested.description, parameters=nested.parameters, strict=nested.strict
        )
    if not tool.name:
        raise InvalidRequest(
            "Missing required parameter: 'tools[].name'.", param="tools", code="missing_required_parameter"
        )
    return llm.Tool(name=tool.name, description=tool.description, parameters=tool.parameters, strict=tool.strict)


def tool_choice_of(choice: ToolWord | ChosenTool) -> llm.ToolChoice:
    """The tool choice as the language model gets it. Raises ``InvalidRequest`` without a name."""
    if not isinstance(choice, ChosenTool):
        return choice
    name = choice.function.name if choice.function else choice.name
    if not name:
        raise InvalidRequest(
            "Missing required parameter: 'tool_choice.name'.", param="tool_choice", code="missing_required_parameter"
        )
    return llm.NamedTool(name=name)

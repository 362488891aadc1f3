"""Tools in the forms of Chat Completions, Responses and Realtime, and what they are to a language model."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported

ToolWord = Literal["auto", "none", "required"]

ToolName = Annotated[str, Meta(max_length=256)]
ToolDescription = Annotated[str, Meta(max_length=20_000)]

LARGEST_SCHEMA_BYTES = 100_000
"""Of a tool's parameters, as JSON."""

DEEPEST_SCHEMA = 64
"""Objects and arrays within each other in a tool's parameters."""


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A function; ``parameters`` is a JSON Schema."""

    name: ToolName
    description: ToolDescription | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ChatTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool, nested as in Chat Completions (``function``) or flat as in Responses and Realtime (``name``…)."""

    type: Literal["function"]
    function: Function | None = None
    name: ToolName | None = None
    description: ToolDescription | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ChosenFunction(msgspec.Struct, frozen=True, kw_only=True):
    """The name of the function that must be called."""

    name: ToolName


class ChosenTool(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="function"):
    """A tool choice that forces one function, nested or flat."""

    function: ChosenFunction | None = None
    name: ToolName | None = None


SubsetMode = Literal["auto", "required"]
ChosenTools = Annotated[list[ChosenTool], Meta(max_length=128)]


class ToolSubset(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the request's tools, and whether one of them must be called."""

    mode: SubsetMode
    tools: ChosenTools


class AllowedTools(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="allowed_tools"):
    """A tool choice that leaves the model some of the request's tools, nested (``allowed_tools``) or flat."""

    allowed_tools: ToolSubset | None = None
    mode: SubsetMode | None = None
    tools: ChosenTools | None = None


ChosenToolChoice = ToolWord | ChosenTool | AllowedTools
"""Whether and which tool is called."""

ChatTools = Annotated[list[ChatTool], Meta(max_length=128)]
"""The tools of one request."""


def tool_of(tool: ChatTool, *, strict: bool | None = False) -> llm.Tool:
    """The tool as the language model gets it, ``strict`` so where it does not say.

    Raises ``InvalidRequest`` without a name, and for too large a schema.
    """
    function = tool if tool.function is None else tool.function
    if not function.name:
        raise InvalidRequest(
            "Missing required parameter: 'tools[].name'.", param="tools", code="missing_required_parameter"
        )
    check_schema(function.parameters, f"parameters of the tool {function.name!r}", "tools")
    return llm.Tool(
        name=function.name,
        description=function.description,
        parameters=function.parameters,
        strict=strict if function.strict is None else function.strict,
    )


def check_tool_types(tools: Any) -> None:
    """Refuse tools that run at OpenAI, which a language model alone does not have. Raises ``Unsupported``."""
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(kind, str) and kind != "function":
            raise Unsupported(
                f"Tools of type {kind[:100]!r} are not available with this model. Supported values are: 'function'.",
                param=f"tools[{number}].type",
            )


def check_schema(schema: dict[str, Any] | None, what: str, param: str) -> None:
    """Refuse a schema that is too deep or too large to be sent, and to check a value with."""
    level: list[Any] = [schema]
    for _ in range(DEEPEST_SCHEMA):
        level = [child for value in level for child in _children(value)]
    if level:
        problem = f"nested too deeply. Expected at most {DEEPEST_SCHEMA} levels"
    elif (size := len(msgspec.json.encode(schema))) > LARGEST_SCHEMA_BYTES:
        problem = f"object too large. Expected at most {LARGEST_SCHEMA_BYTES} bytes of JSON, but got {size} bytes"
    else:
        return
    raise InvalidRequest(f"Invalid {what}: {problem}.", param=param, code="invalid_value")


def _children(value: Any) -> list[Any]:
    """The values in an object or an array."""
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []


def tool_choice_of(choice: ToolWord | ChosenTool) -> llm.ToolChoice:
    """The tool choice as the language model gets it. Raises ``InvalidRequest`` without a name."""
    return _named(choice) if isinstance(choice, ChosenTool) else choice


def _named(chosen: ChosenTool) -> llm.NamedTool:
    name = chosen.function.name if chosen.function else chosen.name
    if not name:
        raise InvalidRequest(
            "Missing required parameter: 'tool_choice.name'.", param="tool_choice", code="missing_required_parameter"
        )
    return llm.NamedTool(name=name)


def subset_of(allowed: AllowedTools) -> tuple[SubsetMode, tuple[llm.NamedTool, ...]]:
    """Whether a tool must be called, and the tools that are left. Raises ``InvalidRequest`` where one is missing."""
    given = allowed if allowed.allowed_tools is None else allowed.allowed_tools
    for name, value in (("mode", given.mode), ("tools", given.tools)):
        if value is None:
            raise InvalidRequest(
                f"Missing required parameter: 'tool_choice.{name}'.",
                param=f"tool_choice.{name}",
                code="missing_required_parameter",
            )
    return given.mode or "auto", tuple(_named(tool) for tool in given.tools or ())


def offered(
    tools: list[ChatTool] | None, choice: ChosenToolChoice | None, *, strict: bool | None = False
) -> tuple[tuple[llm.Tool, ...], llm.ToolChoice | None]:
    """The tools that the model is given, and the choice; without tools "auto" and "none" say nothing.

    Tools that do not say are ``strict`` so. Raises ``InvalidRequest`` for a tool without a name, and for a choice among
    tools that are not there.
    """
    given = tuple(tool_of(tool, strict=strict) for tool in tools or ())
    if choice is None or (not given and choice in ("auto", "none")):
        return given, None
    if not isinstance(choice, AllowedTools):
        return given, tool_choice_of(choice)
    mode, names = subset_of(choice)
    left = tuple(tool for tool in given if llm.NamedTool(name=tool.name) in names)
    if not left or len(left) < len(set(names)):
        raise InvalidRequest(
            "Invalid 'tool_choice': every tool of 'allowed_tools' has to be one of 'tools', and there has to be one.",
            param="tool_choice",
            code="invalid_value",
        )
    return left, mode

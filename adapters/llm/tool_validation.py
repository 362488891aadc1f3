"""Validates the tool calls that a model wrote: their arguments against the tool's JSON Schema; pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.llm.json_schema import Mismatch, NotValidated, SchemaValidator

_MAX_NAME = 64  # characters of a name in a message
_MAX_PATH = 200  # characters


def finished(call_id: str, name: str, arguments: str, tools: Sequence[llm.Tool] = ()) -> llm.ToolCallFinished:
    """The end of a call; ``invalid`` is set when the call cannot be made."""
    invalid = fault(name, arguments, tools)
    return llm.ToolCallFinished(call_id=call_id, name=name, arguments=arguments, invalid=invalid)


def fault(name: str, arguments: str, tools: Sequence[llm.Tool] = ()) -> str | None:
    """Why the call to ``name`` cannot be made, one sentence without the arguments' values; ``None`` when it can.

    The ``tools`` are those of the request; without any, only the form of the arguments is checked. Where a schema is
    invalid, or takes more steps than ``json_schema.MAX_STEPS``, the call counts as right: whoever sent the schema runs
    the tool, and can check the arguments again.
    """
    tool = next((tool for tool in tools if tool.name == name), None)
    name = name[:_MAX_NAME]
    try:
        decoded = msgspec.json.decode(arguments)
    except (ValueError, RecursionError):
        return f"The arguments of the call to {name!r} are not valid JSON."
    if not isinstance(decoded, dict):
        return f"The arguments of the call to {name!r} are not a JSON object."
    if tools and tool is None:
        return f"The model called {name!r}, which is not among the request's tools."
    wrong = _mismatch(decoded, tool.parameters) if tool and tool.parameters else None
    return f"The arguments of the call to {name!r} do not match the tool's schema: {wrong}." if wrong else None


def sendable(call: llm.ToolCall) -> str:
    """The arguments in the form that servers accept: many decode them, and refuse a request with invalid ones."""
    return "{}" if fault(call.name, call.arguments) else call.arguments


def _mismatch(arguments: dict[str, Any], schema: dict[str, Any]) -> str | None:
    """What is wrong with the arguments and where, without their values."""
    try:
        found = SchemaValidator(schema).mismatch(arguments)
    except NotValidated:
        return None
    return f"{_place(found)} {found.reason}" if found else None


def _place(found: Mismatch) -> str:
    place = ".".join(str(step)[:_MAX_NAME] for step in found.path)
    return repr(place[:_MAX_PATH]) if place else "the object"

"""Judges the arguments that a model wrote for a tool call; pure."""

import msgspec

from adapters.contract import llm


def finished(call_id: str, name: str, arguments: str) -> llm.ToolCallFinished:
    """The end of a call, which says so when its arguments are not a JSON object."""
    return llm.ToolCallFinished(call_id=call_id, name=name, arguments=arguments, invalid=fault(name, arguments))


def fault(name: str, arguments: str) -> str | None:
    """Why the call to ``name`` cannot be made with ``arguments``, one sentence without them; ``None`` when it can."""
    try:
        decoded = msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return f"The arguments of the call to {name!r} are not valid JSON."
    return None if isinstance(decoded, dict) else f"The arguments of the call to {name!r} are not a JSON object."


def sendable(call: llm.ToolCall) -> str:
    """The arguments as servers take them back: many decode them, and refuse the request for those of a faulty call."""
    return "{}" if fault(call.name, call.arguments) else call.arguments

"""Judges the calls that a model wrote: their arguments against the tool's JSON Schema; pure."""

from collections.abc import Sequence
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing.jsonschema import EMPTY_REGISTRY

from adapters.contract import llm

# Schemas are the client's: one must neither fetch what it refers to (hence no registry), nor keep the gateway busy.
# References can be nested so that every level doubles the work, and patterns can backtrack without end.
_MOST_REFERENCES = 24
_MOST_NAME = 64  # characters of a name in a message


def _unchecked(*_of_a_keyword: Any) -> None:
    return


_Validator = extend(
    Draft202012Validator,
    dict.fromkeys(("pattern", "patternProperties", "additionalProperties", "unevaluatedProperties"), _unchecked),
)
_ValidatorOfNames = extend(Draft202012Validator, {"pattern": _unchecked})


def finished(call_id: str, name: str, arguments: str, tools: Sequence[llm.Tool] = ()) -> llm.ToolCallFinished:
    """The end of a call, which says so when the call cannot be made with these arguments, or not at all."""
    invalid = fault(name, arguments, tools)
    return llm.ToolCallFinished(call_id=call_id, name=name, arguments=arguments, invalid=invalid)


def fault(name: str, arguments: str, tools: Sequence[llm.Tool] = ()) -> str | None:
    """Why the call to ``name`` cannot be made, one sentence without the arguments' values; ``None`` when it can.

    The ``tools`` are those of the request; without any only the form of the arguments is judged. A schema that is none,
    or too much work, is not looked at.
    """
    tool = next((tool for tool in tools if tool.name == name), None)
    name = name[:_MOST_NAME]
    try:
        decoded = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return f"The arguments of the call to {name!r} are not valid JSON."
    if not isinstance(decoded, dict):
        return f"The arguments of the call to {name!r} are not a JSON object."
    if tools and tool is None:
        return f"The model called {name!r}, which is no tool of the request."
    wrong = _misfit(decoded, tool.parameters) if tool and tool.parameters else None
    return f"The arguments of the call to {name!r} do not fit the tool's schema: {wrong}." if wrong else None


def sendable(call: llm.ToolCall) -> str:
    """The arguments as servers take them back: many decode them, and refuse the request for those of a faulty call."""
    return "{}" if fault(call.name, call.arguments) else call.arguments


def _misfit(arguments: dict[str, Any], schema: dict[str, Any]) -> str | None:
    text = msgspec.json.encode(schema)
    if text.count(b'ref"') + text.count(b'Ref"') > _MOST_REFERENCES:
        return None
    validator = _Validator if b'"patternProperties"' in text else _ValidatorOfNames
    try:
        error = next(iter(validator(schema, registry=EMPTY_REGISTRY).iter_errors(arguments)), None)
        return _told(error) if error else None
    except Exception:  # noqa: BLE001 - a schema that is none fails in any way
        return None


def _told(error: ValidationError) -> str:
    """What is wrong where; jsonschema's own message quotes the value."""
    where = ".".join(str(step)[:_MOST_NAME] for step in error.absolute_path)
    what = repr(where) if where else "the object"
    match error.validator:
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return f"{what} lacks {', '.join(map(repr, missing))}"
        case "type":
            kinds = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
            return f"{what} is not of the type {' or '.join(kinds)}"
        case "enum" | "const":
            return f"{what} is not one of the values allowed"
        case "additionalProperties" | "unevaluatedProperties":
            return f"{what} has properties that it does not name"
        case _:
            return f"{what} breaks the rule {str(error.validator)[:_MOST_NAME]!r}"

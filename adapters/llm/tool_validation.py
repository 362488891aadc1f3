"""Validates the tool calls that a model wrote: their arguments against the tool's JSON Schema; pure."""

from collections.abc import Sequence
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing.jsonschema import EMPTY_REGISTRY

from adapters.contract import llm

# Schemas come from the client: nothing that one refers to is fetched (hence the empty registry), and none may keep the
# gateway busy. Nested references can double the work with every level, and patterns can backtrack without end.
_MAX_REFERENCES = 24
_MAX_NAME = 64  # characters of a name in a message


def _unchecked(*_arguments: Any) -> None:
    return


_Validator = extend(
    Draft202012Validator,
    dict.fromkeys(("pattern", "patternProperties", "additionalProperties", "unevaluatedProperties"), _unchecked),
)
_ValidatorOfNames = extend(Draft202012Validator, {"pattern": _unchecked})


def finished(call_id: str, name: str, arguments: str, tools: Sequence[llm.Tool] = ()) -> llm.ToolCallFinished:
    """The end of a call; ``invalid`` is set when the call cannot be made."""
    invalid = fault(name, arguments, tools)
    return llm.ToolCallFinished(call_id=call_id, name=name, arguments=arguments, invalid=invalid)


def fault(name: str, arguments: str, tools: Sequence[llm.Tool] = ()) -> str | None:
    """Why the call to ``name`` cannot be made, one sentence without the arguments' values; ``None`` when it can.

    The ``tools`` are those of the request; without any, only the form of the arguments is checked. A schema that is
    invalid or too complex is not applied.
    """
    tool = next((tool for tool in tools if tool.name == name), None)
    name = name[:_MAX_NAME]
    try:
        decoded = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
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
    text = msgspec.json.encode(schema)
    if text.count(b'ref"') + text.count(b'Ref"') > _MAX_REFERENCES:
        return None
    validator = _Validator if b'"patternProperties"' in text else _ValidatorOfNames
    try:
        error = next(iter(validator(schema, registry=EMPTY_REGISTRY).iter_errors(arguments)), None)
        return _reason(error) if error else None
    except Exception:  # noqa: BLE001 - an invalid schema may raise anything
        return None


def _reason(error: ValidationError) -> str:
    """What is wrong and where, without the value, which jsonschema's own message quotes."""
    where = ".".join(str(step)[:_MAX_NAME] for step in error.absolute_path)
    what = repr(where) if where else "the object"
    match error.validator:
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return f"{what} is missing {', '.join(map(repr, missing))}"
        case "type":
            kinds = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
            return f"{what} is not of the type {' or '.join(kinds)}"
        case "enum" | "const":
            return f"{what} is not one of the allowed values"
        case "additionalProperties" | "unevaluatedProperties":
            return f"{what} has properties that the schema does not name"
        case _:
            return f"{what} violates the rule {str(error.validator)[:_MAX_NAME]!r}"

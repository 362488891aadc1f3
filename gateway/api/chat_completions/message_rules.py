"""What OpenAI refuses in messages, whichever model reads them; it holds for messages that are passed on, too. Pure."""

from collections.abc import Sequence
from typing import Any

from adapters.contract.errors import InvalidRequest
from gateway.wire.supported_values import supported_values

ROLES = ("system", "assistant", "user", "function", "tool", "developer")


def check_messages(messages: Sequence[dict[str, Any]]) -> None:
    """Raise ``InvalidRequest`` for no messages, an unknown role, and a result of no call."""
    if not messages:
        raise InvalidRequest(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param="messages",
            code="empty_array",
        )
    called: set[str] = set()
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        role = message.get("role")
        if role is None:
            raise _missing(f"{place}.role")
        if role not in ROLES:
            raise InvalidRequest(
                f"Invalid value: {str(role)[:100]!r}. {supported_values(ROLES)}",
                param=f"{place}.role",
                code="invalid_value",
            )
        called.update(_calls(message))
        if role == "tool" and message.get("tool_call_id") is None:
            raise _missing(f"{place}.tool_call_id")
        answers = message.get("tool_call_id" if role == "tool" else "name")
        if role in {"tool", "function"} and not (isinstance(answers, str) and answers in called):
            field = "tool_calls" if role == "tool" else "function_call"
            raise InvalidRequest(
                f"Invalid parameter: messages with role '{role}' must be a response to a preceding message with "
                f"'{field}'.",
                param=f"{place}.role",
                code="invalid_value",
            )


def _calls(message: dict[str, Any]) -> list[str]:
    """What results can refer to: the ids of a message's calls, and the name of a function it called."""
    calls, function = message.get("tool_calls"), message.get("function_call")
    found = [call.get("id") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    if isinstance(function, dict):
        found.append(function.get("name"))
    return [name for name in found if isinstance(name, str)]


def _missing(param: str) -> InvalidRequest:
    return InvalidRequest(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def has_recording(messages: Sequence[dict[str, Any]]) -> bool:
    """Whether there is a recording in ``messages``."""
    contents = (message.get("content") for message in messages)
    parts = (part for content in contents if isinstance(content, list) for part in content)
    return any(isinstance(part, dict) and part.get("type") == "input_audio" for part in parts)


def names_spoken_answer(messages: Sequence[dict[str, Any]]) -> bool:
    """Whether an earlier spoken answer stands in ``messages`` by its id."""
    return any(message.get("audio") is not None for message in messages)

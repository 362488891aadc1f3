"""Retry rules: which failed requests are sent again, after which delay and with which fields; pure."""

import random
from collections.abc import Callable
from typing import Any

from adapters.contract.errors import AdapterError, InvalidRequest, Overloaded, TooLong, Unavailable
from adapters.upstream.error_table import ServerFailure

_MAX_RETRY_AFTER = 2.0  # seconds a server may ask for; a conversation cannot wait longer, so the error goes out instead
_FIRST_DELAY = 0.25
_MAX_DELAY = 4.0

REASONING_SENT_BACK = "reasoning_content"
"""The field of messages with what the model thought."""

_CONTROLS = ("reasoning_effort", "reasoning", "chat_template_kwargs")


def retry_delay(
    error: AdapterError, repetition: int, draw: Callable[[float, float], float] = random.uniform
) -> float | None:
    """Seconds to wait before the request is sent again, ``None`` for no retry; ``repetition`` counts from 0.

    The server's ``retry_after`` within bounds, else exponential backoff with full jitter: ``draw`` (low, high).
    """
    if not isinstance(error, Overloaded | Unavailable | ServerFailure):
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= _MAX_RETRY_AFTER else None
    return draw(0.0, min(_MAX_DELAY, _FIRST_DELAY * 2**repetition))


def dispensable(error: InvalidRequest, body: dict[str, Any]) -> list[tuple[str, ...]]:
    """What ``body`` may be sent without, in turn, after ``error``: fields that not every server takes.

    They are the reasoning that is sent back with messages, the fields that control reasoning, and both. None where
    ``error`` names another field.
    """
    field = (error.param or "").partition(".")[0].partition("[")[0]
    controls = tuple(name for name in _CONTROLS if name in body)
    sent_back = any(REASONING_SENT_BACK in message for message in body.get("messages", ()))
    found: list[tuple[str, ...]] = []
    if isinstance(error, TooLong):
        return found
    if sent_back and (field == "messages" or field not in body):
        found.append((REASONING_SENT_BACK,))
    if controls and (field in controls or field not in body):
        found.append(controls)
    return [*found, (*found[0], *found[1])] if len(found) > 1 else found


def without(body: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """``body`` without the fields ``names``, in its messages too."""
    left = _without(body, names)
    if REASONING_SENT_BACK in names:
        left["messages"] = [_without(message, names) for message in body["messages"]]
    return left


def _without(fields: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}

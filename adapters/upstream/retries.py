"""Retry rules: which failed requests are sent again, after which delay and with which fields; pure."""

import random
from collections.abc import Callable
from typing import Any

from adapters.contract.errors import AdapterError, InvalidRequest, Overloaded, TooLong, Unavailable
from adapters.upstream.error_table import ServerFailure

_MAX_RETRY_AFTER = 2.0  # seconds a server may ask for; a conversation cannot wait longer, so the error goes out instead
_FIRST_DELAY = 0.25
_MAX_DELAY = 4.0

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


def reasoning_controls(body: dict[str, Any]) -> tuple[str, ...]:
    """The fields of a request body that control reasoning: not every server accepts each of them."""
    return tuple(name for name in _CONTROLS if name in body)


def without_reasoning_controls(body: dict[str, Any]) -> dict[str, Any]:
    """The request body without the fields that control reasoning."""
    return {name: value for name, value in body.items() if name not in _CONTROLS}


def may_refuse_reasoning_controls(error: AdapterError, body: dict[str, Any]) -> bool:
    """Whether ``error`` may be the refusal of a reasoning control of ``body``: it does not name another field."""
    if not isinstance(error, InvalidRequest) or isinstance(error, TooLong) or not reasoning_controls(body):
        return False
    field = (error.param or "").partition(".")[0].partition("[")[0]
    return field in reasoning_controls(body) or field not in body

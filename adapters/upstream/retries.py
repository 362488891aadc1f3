"""Decides what is asked a second time, when, and with which fields; pure."""

import random
from collections.abc import Callable
from typing import Any

from adapters.contract.errors import AdapterError, InvalidRequest, Overloaded, TooLong, Unavailable

_MOST_WAIT = 2.0  # seconds that a server may ask for; nobody waits longer in a conversation: the client is told
_FIRST_WAIT = 0.25
_LONGEST_WAIT = 4.0

_CONTROLS = ("reasoning_effort", "reasoning", "chat_template_kwargs")


def pause(error: AdapterError, repetition: int, draw: Callable[[float, float], float] = random.uniform) -> float | None:
    """Seconds to wait before the request is repeated, ``None`` when it is not; ``repetition`` counts from 0.

    As long as the server asks for, within bounds, else exponentially longer with full jitter: ``draw`` (low, high).
    """
    if not isinstance(error, Overloaded | Unavailable):
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= _MOST_WAIT else None
    return draw(0.0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**repetition))


def controls(body: dict[str, Any]) -> tuple[str, ...]:
    """The fields of a request body that control reasoning: servers differ in what they take there."""
    return tuple(name for name in _CONTROLS if name in body)


def without_controls(body: dict[str, Any]) -> dict[str, Any]:
    """The request body without the fields that control reasoning."""
    return {name: value for name, value in body.items() if name not in _CONTROLS}


def may_mean_controls(error: AdapterError, body: dict[str, Any]) -> bool:
    """Whether ``error`` may refuse a reasoning control of ``body``: it does not clearly speak of something else."""
    if not isinstance(error, InvalidRequest) or isinstance(error, TooLong) or not controls(body):
        return False
    field = (error.param or "").partition(".")[0].partition("[")[0]
    return field in controls(body) or field not in body

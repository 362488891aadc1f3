"""Turns that begin and outcomes of turns, as observers are told of them."""

from typing import Any

from gateway.telemetry.observer import TurnStart
from gateway.telemetry.outcome import TurnOutcome
from gateway.telemetry.timings import Timings


def start(**fields: Any) -> TurnStart:
    plain: dict[str, Any] = {
        "response_id": "resp_1",
        "caller": "alice",
        "route": "home",
        "surface": "speech",
        "request_id": "req_1",
        "elapsed": 0.0,
    }
    return TurnStart(**plain | fields)


def outcome(**fields: Any) -> TurnOutcome:
    plain: dict[str, Any] = {
        "response_id": "resp_1",
        "conversation_id": "kitchen",
        "caller": "alice",
        "route": "home",
        "answered_by": "home",
        "reason": "stop",
        "heard_seconds": 2.0,
        "characters": 11,
        "spoken_seconds": 1.0,
        "delivered_seconds": 1.0,
        "usage": None,
        "compaction": None,
        "timings": Timings(stt=0.25, total=0.5),
    }
    return TurnOutcome(**plain | fields)

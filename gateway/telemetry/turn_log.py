"""The line of the log about a turn: who asked, how it ended and how long it took; nothing of what was said."""

import logging

from adapters.contract.errors import InvalidRequest, TooLong, UnknownModel, Unsupported
from gateway.telemetry.log_format import FIELDS
from gateway.telemetry.observer import Report, TurnStart
from gateway.telemetry.outcome import TurnOutcome

logger = logging.getLogger(__name__)

SLOW_SECONDS = 10.0
"""A turn whose first output comes later than this is logged as a warning."""

CLIENT_ERRORS = {kind.__name__ for kind in (InvalidRequest, Unsupported, TooLong, UnknownModel)}
"""Failures that are the client's to mend."""


def log_turn(turn: TurnStart) -> Report:
    """Logs one line when the turn ends: a warning where it failed or was slow."""

    def report(outcome: TurnOutcome) -> None:
        level = _level(outcome)
        if not logger.isEnabledFor(level):
            return
        fields = _fields(turn, outcome)
        words = " ".join([f"{name}={value}" for name, value in fields.items() if name not in {"turn", "reason"}])
        logger.log(level, "%s %s %s", outcome.response_id, outcome.reason, words, extra={FIELDS: fields})

    return report


def _fields(turn: TurnStart, outcome: TurnOutcome) -> dict[str, object]:
    """What the line says, by name; what is not known is left out."""
    timings = outcome.timings
    stages = {name: getattr(timings, name) for name in timings.__struct_fields__}
    named = {
        "turn": outcome.response_id,
        "reason": outcome.reason,
        "surface": turn.surface,
        "key": outcome.caller,
        "model": outcome.route,
        "by": None if outcome.answered_by == outcome.route else outcome.answered_by,
        "upstream": outcome.upstream,
        "heard_by": ",".join(outcome.heard_by) or None,
        "spoken_by": ",".join(outcome.spoken_by) or None,
        "guards": ",".join(outcome.guards) or None,
        "request_id": turn.request_id,
        **{f"{name}_ms": seconds and round(seconds * 1000, 1) for name, seconds in stages.items()},
    }
    return {name: value for name, value in named.items() if value is not None}


def _level(outcome: TurnOutcome) -> int:
    timings = outcome.timings
    if timings.first_audio is not None:
        first = timings.first_audio
    else:
        first = (timings.stt or 0.0) + (timings.llm_first or 0.0)
    failed = outcome.error is not None and outcome.error not in CLIENT_ERRORS
    return logging.WARNING if failed or first > SLOW_SECONDS else logging.INFO

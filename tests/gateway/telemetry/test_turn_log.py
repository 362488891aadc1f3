"""The line of the log about a turn says who asked, how it ended and what it took."""

import json
import logging
from typing import Any

import pytest

from gateway.telemetry.log_format import JsonFormatter
from gateway.telemetry.timings import Timings
from gateway.telemetry.turn_log import log_turn
from tests.support.outcomes import outcome, start


def logged(caplog: pytest.LogCaptureFixture, **fields: Any) -> logging.LogRecord:
    caplog.set_level(logging.INFO)
    log_turn(start())(outcome(**fields))
    (record,) = caplog.records
    return record


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "resp_1 stop surface=speech key=alice model=home request_id=req_1 stt_ms=250.0 total_ms=500.0"),
        ({"answered_by": None, "reason": "left"}, "resp_1 left surface=speech key=alice model=home request_id=req_1"),
        ({"answered_by": "spare", "spoken_by": ("a", "b")}, "model=home by=spare spoken_by=a,b request_id=req_1"),
    ],
    ids=["its own model", "nobody answered", "fallbacks"],
)
def test_one_line_a_turn(fields: dict[str, Any], line: str, caplog: pytest.LogCaptureFixture) -> None:
    assert line in logged(caplog, **fields).getMessage()


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({}, logging.INFO),
        ({"error": "InvalidRequest", "reason": "InvalidRequest param=voice code=None"}, logging.INFO),
        ({"error": "UpstreamError", "reason": "UpstreamError: it is broken"}, logging.WARNING),
        ({"error": "internal", "reason": "KeyError"}, logging.WARNING),
        ({"timings": Timings(first_audio=10.5, total=11.0)}, logging.WARNING),
        ({"timings": Timings(stt=6.0, llm_first=4.5, total=11.0)}, logging.WARNING),
        ({"timings": Timings(stt=6.0, llm_first=4.5, first_audio=9.0, total=300.0)}, logging.INFO),
    ],
    ids=["well", "the client's fault", "the server's fault", "a bug", "slow speech", "slow text", "long"],
)
def test_a_turn_that_failed_or_was_slow_is_a_warning(
    fields: dict[str, Any], level: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert logged(caplog, **fields).levelno == level


def test_programs_read_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    line = json.loads(JsonFormatter().format(logged(caplog)))
    assert {name: line[name] for name in ("turn", "reason", "surface", "key", "model", "request_id", "stt_ms")} == {
        "turn": "resp_1",
        "reason": "stop",
        "surface": "speech",
        "key": "alice",
        "model": "home",
        "request_id": "req_1",
        "stt_ms": 250.0,
    }

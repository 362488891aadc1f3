"""Observers are told of every turn, once at its beginning and once at its end, and cannot break it."""

import logging

import pytest

from adapters.contract.errors import Unavailable
from adapters.contract.request_context import RequestContext, current_request
from gateway.telemetry.observer import NO_SURFACE, Report, TurnStart, fan_out, observed
from gateway.telemetry.outcome import Ending, TurnOutcome
from tests.support.outcomes import outcome, start


class Witness:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[TurnStart | TurnOutcome] = []

    def observe(self, turn: TurnStart) -> Report:
        self.told.append(turn)
        return self.told.append


def test_all_are_told_of_both_ends() -> None:
    one, other = Witness(), Witness()
    fan_out((one.observe, other.observe))(start())(outcome())
    assert one.told == other.told == [start(), outcome()]


def test_one_that_fails_is_named_and_the_others_are_told(caplog: pytest.LogCaptureFixture) -> None:
    def at_the_beginning(_turn: TurnStart) -> Report:
        raise ValueError("my secret")

    def at_the_end(_turn: TurnStart) -> Report:
        def report(_outcome: TurnOutcome) -> None:
            raise ValueError("my secret")

        return report

    witness = Witness()
    with caplog.at_level(logging.ERROR):
        fan_out((at_the_beginning, at_the_end, witness.observe))(start())(outcome())
    assert witness.told == [start(), outcome()]
    assert caplog.text.count("ValueError") == 2
    assert "secret" not in caplog.text


def test_the_outcome_of_a_failure_names_it() -> None:
    witness, ending = Witness(), Ending()
    with pytest.raises(Unavailable):
        with observed(witness.observe, start(), ending, lambda: outcome(reason=ending.reason, error=ending.error)):
            raise Unavailable("The server is away.")
    assert witness.told == [start(), outcome(reason="Unavailable: The server is away.", error="Unavailable")]


def test_a_turn_belongs_to_the_request_of_its_task() -> None:
    before = current_request.set(RequestContext(request_id="req_7", surface="responses"))
    try:
        turn = TurnStart.of("resp_1", "alice", "home", 0.5)
    finally:
        current_request.reset(before)
    assert turn == start(request_id="req_7", surface="responses", elapsed=0.5)
    without = TurnStart.of("resp_1", "alice", "home", 0.5)
    assert (without.request_id, without.surface) == (None, NO_SURFACE)

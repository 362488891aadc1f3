"""What a session is told: the refusal of an event says what was wrong with which one."""

from adapters.contract.errors import InvalidRequest
from gateway.realtime.session.inputs import Refused


def test_a_refusal_has_all_that_is_known_of_the_problem() -> None:
    problem = InvalidRequest("No such voice.", param="session.audio.output.voice", code="invalid_value")
    assert Refused.of(problem, "event_7") == Refused(
        message="No such voice.", code="invalid_value", param="session.audio.output.voice", event_id="event_7"
    )

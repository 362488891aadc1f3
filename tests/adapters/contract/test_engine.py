"""What is asked of an engine that may not offer it."""

from adapters.contract.engine import failure_of


class Local:
    failure: str | None = None


def test_a_failure_is_that_of_engines_that_report_one() -> None:
    engine = Local()
    assert failure_of(engine) is None
    engine.failure = "out of memory"
    assert failure_of(engine) == "out of memory"
    assert failure_of(object()) is None

"""A worker knows its number; a process that is none has the number of the first."""

from adapters.blocking.number import become, worker_number


def test_a_process_has_the_number_that_it_was_given() -> None:
    assert worker_number() == 0
    try:
        become(3)
        assert worker_number() == 3
    finally:
        become(0)

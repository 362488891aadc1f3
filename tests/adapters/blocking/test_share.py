"""A worker knows its number and whether its job is alone; a process that is none is the first, and alone."""

from adapters.blocking.share import become, begin_job, is_alone, worker_number


def test_a_process_has_the_number_that_it_was_given() -> None:
    assert worker_number() == 0
    try:
        become(3)
        assert worker_number() == 3
    finally:
        become(0)


def test_a_job_is_alone_unless_it_was_told_otherwise() -> None:
    assert is_alone()
    try:
        begin_job(alone=False)
        assert not is_alone()
    finally:
        begin_job(alone=True)

"""What a worker process knows of the others of its pool, with which it shares the processors."""

_number = 0
_alone = True


def become(number: int) -> None:
    """This process is the worker ``number``: jobs go to the lowest one that is free, from 0."""
    global _number  # noqa: PLW0603 - it is of the process
    _number = number


def begin_job(*, alone: bool) -> None:
    """The job that begins is ``alone``, or others of the pool have begun before it."""
    global _alone  # noqa: PLW0603 - it is of the process, which has one job at a time
    _alone = alone


def worker_number() -> int:
    """The number of this process; 0 outside of workers."""
    return _number


def is_alone() -> bool:
    """Whether no other worker of the pool was working when the job of this process began; true outside of workers."""
    return _alone

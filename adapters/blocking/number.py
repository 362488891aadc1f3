"""The number of a worker process, from 0: jobs go to the lowest one that is free, the others work under load only."""

_number = 0


def become(number: int) -> None:
    """This process is the worker ``number``."""
    global _number  # noqa: PLW0603 - it is of the process
    _number = number


def worker_number() -> int:
    """The number of this process; 0 outside of workers."""
    return _number

"""The number of a worker process, from 0: jobs go to the lowest one that is free, the others work under load only."""

import os

_VARIABLE = "SPEECH_GATEWAY_WORKER"


def numbered(number: int) -> dict[str, str]:
    """The environment of the worker ``number``."""
    return {**os.environ, _VARIABLE: str(number)}


def worker_number() -> int:
    """The number of this process; 0 outside of workers."""
    return int(os.environ.get(_VARIABLE, "0"))

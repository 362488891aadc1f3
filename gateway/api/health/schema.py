"""Wire types of the health surface."""

import msgspec


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers; ``version`` is that of the package."""

    status: str
    version: str


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """The queue in front of an engine: how many requests it serves at once, how many run, how many wait.

    ``coming`` turns were admitted and are still to ask the engine, ``refused`` were refused since the start.
    """

    stage: str
    engine: str
    capacity: int
    running: int
    waiting: int
    coming: int
    refused: int


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Loading, ready, failed or stopping as a whole; every route by name; and the queues of engines that have one.

    Of several ``workers``, each of which is one of these or missing while it is replaced, ``status`` is that of the
    first that is not ready; routes and queues are those of the worker that answers.
    """

    status: str
    models: dict[str, str]
    queues: list[Queue]
    workers: list[str]

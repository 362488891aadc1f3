"""How a turn ended: everything that a bill, a metric or a line of the log needs of it, without what was said."""

import msgspec

from adapters.contract import errors, llm
from adapters.contract.errors import AdapterError, InvalidRequest
from gateway.telemetry.timings import Timings

LEFT = "left"
"""The reason of a turn whose client left before the end."""

OURS = "gateway"
"""The ``adapter`` of failures that the gateway itself finds."""

INTERNAL = "internal"
"""The kind of a failure that the contract does not have."""


class TurnOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One turn that is over, however it ended.

    ``caller`` is the name of who asked, ``route`` the route that was asked, ``answered_by`` the one whose model
    answered (a fallback's name; ``None`` when none did), ``upstream`` its server where it has several. ``heard_by``
    and ``spoken_by`` name the engines that stood in for those of the route, ``guards`` the guards that flagged
    something. ``reason`` is the model's finish reason, ``left``, or a description of the error that holds nothing
    of what was said; ``error`` is its class in the contract, or ``internal``. Seconds of audio: ``heard`` by the
    recogniser or the model, ``spoken`` by the synthesiser, ``delivered`` to the client. ``characters`` is the text
    given to the synthesiser, ``cached_characters`` that of it whose speech was cached, ``delivered_characters``
    that of the utterances which the client has whole. ``usage`` is the answer's as its server counted it; where a
    model was asked and no count came, because the client left for example, ``estimate`` is there instead.
    ``compaction`` is that of a summary which this turn is the first to use. A ``speculative`` turn was begun early
    and never played.
    """

    response_id: str
    conversation_id: str | None
    caller: str
    route: str
    answered_by: str | None
    upstream: str | None = None
    heard_by: tuple[str, ...] = ()
    spoken_by: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    reason: str
    error: str | None = None
    heard_seconds: float
    characters: int
    cached_characters: int = 0
    spoken_seconds: float
    delivered_seconds: float
    delivered_characters: int = 0
    usage: llm.Usage | None
    estimate: llm.Usage | None = None
    compaction: llm.Usage | None
    speculative: bool = False
    timings: Timings


class Ending:
    """How a turn ends, as in ``TurnOutcome``: its client left, until it is known otherwise."""

    def __init__(self) -> None:
        self.reason = LEFT
        self.error: str | None = None

    def failed(self, error: Exception) -> None:
        """It ends with ``error``."""
        kinds = (kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
        self.error = next(kinds, INTERNAL)
        self.reason = describe_failure(error) if isinstance(error, AdapterError) else type(error).__name__


def describe_failure(error: AdapterError) -> str:
    """The failure for the log; of a wrong request only which field and why, its message may quote the client.

    What another server says of a field is left out: it may name anything.
    """
    if not isinstance(error, InvalidRequest):
        return f"{type(error).__name__}: {error.message}"
    if error.adapter != OURS:
        return f"{type(error).__name__} by {error.adapter}"
    return f"{type(error).__name__} param={error.param} code={error.code}"

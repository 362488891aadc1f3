"""How a turn ended: everything that a bill, a metric or a line of the log needs of it, without what was said."""

import logging
from collections.abc import Callable

import msgspec

from adapters.contract import llm
from adapters.contract.errors import AdapterError, InvalidRequest
from gateway.telemetry.timings import Timings

logger = logging.getLogger(__name__)

LEFT = "left"
"""The reason of a turn whose client left before the end."""


class TurnOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One turn that is over, however it ended.

    ``caller`` is the name of who asked, ``route`` the route that was asked, ``answered_by`` the one whose model
    answered (a fallback's name; ``None`` when none did). ``heard_by`` and ``spoken_by`` name the engines that stood in
    for those of the route.
    ``reason`` is the model's finish reason, ``left``, or a description of the error that holds nothing of what was
    said. Seconds of audio: ``heard`` by the recogniser or the model, ``spoken`` by the synthesiser, ``delivered`` to
    the client. ``characters`` is the text given to the synthesiser, ``cached_characters`` that of it whose speech was
    cached, ``delivered_characters`` that of the utterances which the client has whole. ``usage`` is the answer's as its
    server counted it; where a model was asked and no count came, because the client left for example, ``estimate`` is
    there instead. ``compaction`` is that of a summary which this turn is the first to use. A ``speculative`` turn was
    begun early and never played.
    """

    response_id: str
    conversation_id: str | None
    caller: str
    route: str
    answered_by: str | None
    heard_by: tuple[str, ...] = ()
    spoken_by: tuple[str, ...] = ()
    reason: str
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


Report = Callable[[TurnOutcome], None]
"""Is told of every turn, once, however it ended."""


def reports(*several: Report) -> Report:
    """One report that tells all of ``several``."""

    def report(outcome: TurnOutcome) -> None:
        for each in several:
            each(outcome)

    return report


def log_outcome(outcome: TurnOutcome) -> None:
    """One line a turn."""
    answered_by = (outcome.answered_by,) if outcome.answered_by not in {None, outcome.route} else ()
    others = {"by": answered_by, "heard_by": outcome.heard_by, "spoken_by": outcome.spoken_by}
    fallbacks = "".join(f" {name}={','.join(map(str, engines))}" for name, engines in others.items() if engines)
    logger.info("%s %s model=%s%s %s", outcome.response_id, outcome.reason, outcome.route, fallbacks, outcome.timings)


def describe_failure(error: AdapterError) -> str:
    """The failure for the log; of a wrong request only which field and why, its message may quote the client."""
    if isinstance(error, InvalidRequest):
        return f"{type(error).__name__} param={error.param} code={error.code}"
    return f"{type(error).__name__}: {error.message}"

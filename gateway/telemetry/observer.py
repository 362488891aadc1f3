"""The one hook around turns: an observer is told of each turn that begins, and then of its outcome."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self, TypeVar

import msgspec

from adapters.contract.request_context import current_request
from gateway.telemetry.log_format import where
from gateway.telemetry.outcome import Ending, TurnOutcome

ToldT = TypeVar("ToldT")
ResultT = TypeVar("ResultT")

logger = logging.getLogger(__name__)

NO_SURFACE = "command"
"""The surface of a turn that no request asked for."""


class TurnStart(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that begins: its id, the name of who asked, the route that was asked.

    ``surface`` and ``request_id`` are those of the client's request, ``elapsed`` the seconds since that came.
    """

    response_id: str
    caller: str
    route: str
    surface: str
    request_id: str | None
    elapsed: float

    @classmethod
    def of(cls, response_id: str, caller: str, route: str, elapsed: float) -> Self:
        """The turn, with what is known of the request that the running task works for."""
        request = current_request.get()
        return cls(
            response_id=response_id,
            caller=caller,
            route=route,
            surface=NO_SURFACE if request is None else request.surface,
            request_id=None if request is None else request.request_id,
            elapsed=elapsed,
        )


Report = Callable[[TurnOutcome], None]
"""Is told of the outcome of one turn, once, however it ended."""

Observer = Callable[[TurnStart], Report]
"""Is told of every turn when it begins. It must not wait or fail: it runs in the turn's own task."""


def fan_out(observers: Sequence[Observer]) -> Observer:
    """All of ``observers`` as one. One that fails is named in the log, and the turn goes on."""

    def observe(turn: TurnStart) -> Report:
        reports = [_guarded(observer, turn) for observer in observers]

        def report(outcome: TurnOutcome) -> None:
            for tell in reports:
                if tell is not None:
                    _guarded(tell, outcome)

        return report

    return observe


def _guarded(tell: Callable[[ToldT], ResultT], told: ToldT) -> ResultT | None:
    try:
        return tell(told)
    except Exception as error:  # noqa: BLE001  whatever it is, the turn goes on
        logger.error("an observer of turns failed: %s", where(error))
        return None


@contextmanager
def observed(observer: Observer, turn: TurnStart, ending: Ending, outcome: Callable[[], TurnOutcome]) -> Iterator[None]:
    """Around a turn: ``observer`` is told that it begins, and then of its ``outcome``; ``ending`` of its failure."""
    report = observer(turn)
    try:
        yield
    except Exception as error:
        ending.failed(error)
        raise
    finally:
        report(outcome())

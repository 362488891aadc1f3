"""A turn that is begun before it is certain that it will be needed, so that its answer is there when it is."""

from collections.abc import Callable

import msgspec

from gateway.pipeline.utterance_scheduler import UtteranceGate
from gateway.telemetry.observer import Observer, Report, TurnStart
from gateway.telemetry.outcome import TurnOutcome


class Speculation:
    """Lets a turn speak ``utterances`` of its answer, and all of it once it is adopted.

    ``lost`` is told of the outcome of a turn that ended without that; observers see it as speculative.
    """

    def __init__(self, utterances: int, lost: Callable[[TurnOutcome], None]) -> None:
        self.gate = UtteranceGate(utterances)
        self.adopted = False
        self._lost = lost

    def adopt(self) -> None:
        """The turn is needed: from now on it is one like any other."""
        self.adopted = True
        self.gate.open()

    def observed_by(self, observer: Observer) -> Observer:
        """What ``observer`` is told of the turn."""

        def observe(turn: TurnStart) -> Report:
            report = observer(turn)

            def ended(outcome: TurnOutcome) -> None:
                report(outcome if self.adopted else msgspec.structs.replace(outcome, speculative=True))
                if not self.adopted:
                    self._lost(outcome)

            return ended

        return observe

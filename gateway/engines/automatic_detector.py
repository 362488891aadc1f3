"""The detector of voice activity when nobody chose one: the best that loads; all of them keep up."""

import logging
from collections.abc import Sequence

from adapters.contract import vad
from adapters.contract.errors import AdapterError
from adapters.options import BadOption
from gateway.engines.automatic import Contestant, shortlist
from gateway.settings.model import AUTO

logger = logging.getLogger(__name__)


class AutomaticDetector:
    """Takes the first of ``contestants`` that loads; ``flag`` is the setting that would choose one by name."""

    def __init__(self, flag: str, contestants: Sequence[Contestant]) -> None:
        self._flag = flag
        self._contestants = tuple(contestants)
        self._taken = self._contestants[0]
        self.prospects: list[str] = []
        """Once ``preflight`` was called: what will be taken and why, for people."""

    @property
    def engine(self) -> vad.VoiceActivity:
        """The engine that was taken."""
        engine: vad.VoiceActivity = self._taken.engine
        return engine

    @property
    def sample_rate(self) -> int:
        """The rate in Hz that its detectors take."""
        return self.engine.sample_rate

    def detector(self) -> vad.Detector:
        """A fresh detector of the engine that was taken."""
        return self.engine.detector()

    def preflight(self) -> None:
        """Leave out what says now that it cannot be loaded. Raises ``BadOption`` when that are all."""
        found = shortlist(self._flag, self._contestants)
        self._contestants, self.prospects = found.usable, found.lines()
        self._taken = self._contestants[0]

    async def warm_up(self) -> None:
        """Load the first that can be. Raises what the last one raises when none can."""
        for contestant in self._contestants:
            self._taken = contestant
            try:
                await contestant.engine.warm_up()
            except (AdapterError, BadOption) as error:
                if contestant is self._contestants[-1]:
                    raise
                logger.info("--%s %s passes over %s: %s", self._flag, AUTO, contestant.name, error)
            else:
                logger.info("--%s %s took %s", self._flag, AUTO, contestant.name)
                return

    async def aclose(self) -> None:
        """Close all of them."""
        for contestant in self._contestants:
            await contestant.engine.aclose()

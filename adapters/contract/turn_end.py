"""The contract of a model that hears whether somebody has finished speaking."""

from typing import Protocol

from adapters.contract.engine import Engine


class TurnEndDetector(Engine, Protocol):
    """Judges the sound of a pause: falling tone and pace, not words."""

    @property
    def sample_rate(self) -> int:
        """The rate in Hz of the audio that it takes."""

    @property
    def window_seconds(self) -> float:
        """How much of the end of a turn it hears; more is useless."""

    def probability(self, pcm: bytes) -> float:
        """How probable it is, 0 to 1, that a turn is over that ends with ``pcm`` (s16le mono); blocks.

        May be called after ``warm_up``, from one thread at a time.
        """

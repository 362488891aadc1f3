"""Without a choice the best detector of voice activity is taken that can be loaded."""

import logging

import pytest

from adapters.contract import vad
from adapters.contract.errors import Unavailable
from adapters.options import BadOption
from adapters.vad.energy import Energy
from gateway.engines.automatic import Contestant
from gateway.engines.automatic_detector import AutomaticDetector
from tests.support.loading import Loading


class Ears(Loading, Energy):
    """A detector of voice activity."""

    def __init__(self, *, lacks: str = "", error: Exception | None = None) -> None:
        Loading.__init__(self, lacks=lacks, error=error)
        Energy.__init__(self, Energy.Options())

    def detector(self) -> vad.Detector:  # type: ignore[override]
        self.lives.append("used")
        return super().detector()


def automatic(*ears: Ears) -> AutomaticDetector:
    return AutomaticDetector("vad", [Contestant(name=f"d{n}", engine=one) for n, one in enumerate(ears)])


async def test_the_first_that_loads_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    lacking, failing, third, fourth = Ears(lacks="no package"), Ears(error=Unavailable("no weights")), Ears(), Ears()
    detector = automatic(lacking, failing, third, fourth)
    with caplog.at_level(logging.INFO):
        detector.preflight()
        await detector.warm_up()
    assert detector.sample_rate == 16_000
    assert detector.detector().feed(bytes(320)) == []
    assert [each.lives for each in (lacking, failing, third, fourth)] == [[], ["loaded"], ["loaded", "used"], []]
    assert "--vad auto passes over d0: no package" in caplog.text
    assert "--vad auto passes over d1: no weights" in caplog.text
    assert "--vad auto took d2" in caplog.text
    await detector.aclose()
    assert [each.lives[-1:] for each in (lacking, failing, third, fourth)] == [[], *[["closed"]] * 3]


def test_what_will_be_taken_is_said_before_anything_loads() -> None:
    detector = automatic(Ears(lacks="no package"), Ears(), Ears())
    detector.preflight()
    assert detector.prospects == [
        "--vad auto passes over d0: no package",
        "--vad auto takes d1 if it loads and keeps up, else d2",
    ]


async def test_when_none_can_be_loaded_the_last_one_says_why() -> None:
    with pytest.raises(BadOption, match="this too"):
        automatic(Ears(lacks="this"), Ears(lacks="this too")).preflight()
    with pytest.raises(Unavailable, match="second"):
        await automatic(Ears(error=Unavailable("first")), Ears(error=Unavailable("second"))).warm_up()

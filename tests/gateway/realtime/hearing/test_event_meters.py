"""A detector that only tells starts and stops, as probabilities."""

import asyncio

from adapters.contract import vad
from gateway.realtime.hearing.event_meters import EventMeters

WINDOW = bytes(1024)


class Detector:
    """Tells of the windows in its script; everything else is the same as before."""

    def __init__(self, script: dict[int, list[vad.Event]]) -> None:
        self.script = script
        self.fed = 0

    def feed(self, pcm: bytes) -> list[vad.Event]:
        assert len(pcm) == 1024
        self.fed += 1
        return self.script.get(self.fed - 1, [])


class Engine:
    sample_rate = 16_000

    def __init__(self, *scripts: dict[int, list[vad.Event]]) -> None:
        self.scripts = list(scripts)

    def detector(self) -> Detector:
        return Detector(self.scripts.pop(0))

    async def warm_up(self) -> None:
        await asyncio.sleep(0)

    async def aclose(self) -> None:
        await asyncio.sleep(0)


START, STOP = vad.SpeechStarted(at=0.0), vad.SpeechStopped(at=0.0)


def test_it_is_speech_from_a_start_to_a_stop() -> None:
    meters = EventMeters(Engine({1: [START], 4: [STOP]}))
    assert isinstance(meters, vad.Metering)
    assert meters.measure([(meters.meter(), WINDOW * 6)]) == [[0, 1, 1, 1, 0, 0]]


def test_a_start_and_a_stop_in_one_window() -> None:
    meters = EventMeters(Engine({0: [START, STOP], 1: [START], 2: [STOP, START]}))
    assert meters.measure([(meters.meter(), WINDOW * 4)]) == [[0, 1, 1, 1]]


def test_streams_do_not_mix() -> None:
    meters = EventMeters(Engine({0: [START]}, {}))
    one, other = meters.meter(), meters.meter()
    assert meters.measure([(one, WINDOW), (other, WINDOW)]) == [[1], [0]]
    assert meters.measure([(other, WINDOW), (one, b"")]) == [[0], []]

"""The checks of voice activity detectors: where the stream is cut does not matter, and events tell one story."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Protocol

from adapters.contract import vad
from adapters.contract.audio import SAMPLE_BYTES, seconds

SIZES = (1, 7, 320, 1001, 65_536)
"""Bytes of the pieces that audio is cut into: also in the middle of a sample, and larger than any frame."""

SILENCE_SECONDS = 3


class DetectorRig(Protocol):
    """One voice activity engine under test."""

    engine: vad.VoiceActivity

    def speech(self) -> bytes:
        """Audio (s16le mono at the engine's rate) in which somebody speaks twice: silence around and between."""


DetectorCheck = Callable[[DetectorRig], None]


def _events(detector: vad.Detector, pieces: Iterable[bytes]) -> list[vad.Event]:
    return [event for piece in pieces for event in detector.feed(piece)]


def _cut(pcm: bytes, size: int) -> list[bytes]:
    return [pcm[at : at + size] for at in range(0, len(pcm), size)]


def check_any_cut(rig: DetectorRig) -> None:
    """However a stream is cut into pieces, empty ones among them, the events are the same."""
    pcm = rig.speech()
    whole = rig.engine.detector().feed(pcm)
    for size in SIZES:
        assert _events(rig.engine.detector(), _cut(pcm, size)) == whole, f"cut into pieces of {size} bytes"
    assert _events(rig.engine.detector(), [b"", pcm, b""]) == whole, "with empty pieces"


def check_story(rig: DetectorRig) -> None:
    """Speech starts and stops in turn, twice; times grow and are over when they are told."""
    pcm, detector = rig.speech(), rig.engine.detector()
    events: list[vad.Event] = []
    fed = 0
    for piece in _cut(pcm, 320):
        fed += len(piece)
        for event in detector.feed(piece):
            now = seconds(pcm[:fed], rig.engine.sample_rate)
            assert 0 <= event.at <= now, f"{event!r} was told after {now} s of audio"
            events.append(event)
    assert [type(event) for event in events] == [vad.SpeechStarted, vad.SpeechStopped] * 2, f"not in turn: {events!r}"
    times = [event.at for event in events]
    assert all(one < following for one, following in pairwise(times)), f"times do not grow: {times}"


def check_silence(rig: DetectorRig) -> None:
    """Nobody speaks in digital silence."""
    silence = bytes(SILENCE_SECONDS * rig.engine.sample_rate * SAMPLE_BYTES)
    events = _events(rig.engine.detector(), _cut(silence, 1001))
    assert events == [], f"silence gave {events!r}"


def check_two_detectors(rig: DetectorRig) -> None:
    """Detectors that are fed in turn do not mix their streams."""
    pcm = rig.speech()
    alone = rig.engine.detector().feed(pcm)
    speaking, silent = rig.engine.detector(), rig.engine.detector()
    events: list[vad.Event] = []
    for piece in _cut(pcm, 1000):
        events += speaking.feed(piece)
        assert silent.feed(bytes(len(piece))) == [], "a detector reports what another one was fed"
    assert events == alone, "two detectors were mixed"


def check_metering(rig: DetectorRig) -> None:
    """An engine that measures windows gives one probability for each, whatever the cut, and streams do not mix."""
    engine = rig.engine
    if not isinstance(engine, vad.Metering):
        return
    pcm = rig.speech()
    windows = int(seconds(pcm, engine.sample_rate) / engine.window_seconds + 1e-6)
    (whole,) = engine.measure([(engine.meter(), pcm)])
    assert len(whole) == windows, f"{len(whole)} probabilities of {windows} windows"
    assert min(whole) >= 0, "a probability below nought"
    assert max(whole) <= 1, "a probability above one"
    assert min(whole) < 0.5 <= max(whole), "speech and silence are the same"
    cut, silent = engine.meter(), engine.meter()
    found: list[float] = []
    for piece in [b"", *_cut(pcm, 1001)]:
        measured, silence = engine.measure([(cut, piece), (silent, bytes(len(piece)))])
        found += measured
        assert all(probability < 0.5 for probability in silence), "a stream is measured by what another one was fed"
    assert len(found) == len(whole), f"{len(found)} windows when it is cut, {len(whole)} when it is not"
    differences = [abs(one - other) for one, other in zip(whole, found, strict=True)]
    assert max(differences) < 1e-3, "the cut changes what is measured"


DETECTOR_CHECKS: tuple[DetectorCheck, ...] = (
    check_any_cut,
    check_story,
    check_silence,
    check_two_detectors,
    check_metering,
)

"""The monitor: streams of all formats in one call of the engine, each told its own, and nobody held up by another."""

import asyncio
import wave
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event, current_thread, main_thread

import numpy as np
import pytest

from adapters.contract import vad
from adapters.vad.energy import Energy
from adapters.vad.silero.adapter import Silero
from gateway.audio.resample import Resampler
from gateway.engines.automatic import Contestant
from gateway.engines.automatic_detector import AutomaticDetector
from gateway.realtime.hearing import voice_activity
from gateway.realtime.hearing.audio_format import FORMATS, AudioType
from gateway.realtime.hearing.speech_tracker import SpeechTracker, TrackerSettings
from gateway.realtime.hearing.voice_activity import (
    BATCH,
    MOST_ON_LOOP,
    WINDOWS_AT_ONCE,
    ActivityStream,
    VoiceActivityMonitor,
)
from gateway.realtime.session.inputs import TurnEnded, VoiceInput, VoicePaused, VoiceStarted
from gateway.tasks import background

QUESTION = Path(__file__).parents[3] / "data" / "question.wav"
PCM = FORMATS["audio/pcm"]
WINDOW = bytes(1536)


class Meter:
    """A stream of the scripted engine: how loud its windows were."""


class LoudnessEngine:
    """The probability of a window is its largest sample, in thousandths; it keeps who was measured together."""

    sample_rate = 16_000
    window_seconds = 0.032

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.on_loop: list[bool] = []
        self.failing = False

    def detector(self) -> vad.Detector:
        raise NotImplementedError

    def meter(self) -> Meter:
        return Meter()

    def measure(self, blocks: Sequence[tuple[vad.Meter, bytes]]) -> list[list[float]]:
        self.on_loop.append(current_thread() is main_thread())
        if self.failing:
            raise RuntimeError("the engine is broken")
        found = []
        for _, pcm in blocks:
            windows = np.frombuffer(pcm, "<i2").reshape(-1, 512)
            found.append([round(float(np.abs(window).max()) / 1000, 2) for window in windows.astype(float)])
        self.calls.append([len(each) for each in found])
        return found

    async def warm_up(self) -> None:
        await asyncio.sleep(0)

    async def aclose(self) -> None:
        await asyncio.sleep(0)


@asynccontextmanager
async def monitoring(engine: vad.VoiceActivity) -> AsyncGenerator[VoiceActivityMonitor, None]:
    monitor = VoiceActivityMonitor(engine)
    async with background() as start:
        start(monitor.run())
        yield monitor


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def unexpected(error: Exception) -> None:
    raise error


def loud(level: int, windows: int = 1) -> bytes:
    """A steady level, which the resampler passes as it is."""
    return np.full(768 * windows, level, "<i2").tobytes()


async def test_each_stream_is_told_its_own_in_one_call() -> None:
    engine = LoudnessEngine()
    told: list[list[float]] = [[], [], []]
    async with monitoring(engine) as monitor:
        streams = [monitor.open(PCM, found.append, unexpected) for found in told]
        for level, stream in enumerate(streams, 1):
            stream.feed(loud(level * 100, 3))
        await until(lambda: all(len(found) == 3 for found in told))
    assert engine.calls == [[3, 3, 3]]
    assert [found[-1] for found in told] == [0.1, 0.2, 0.3]


async def test_a_window_is_measured_when_it_is_whole() -> None:
    engine, told = LoudnessEngine(), list[float]()
    async with monitoring(engine) as monitor:
        stream = monitor.open(PCM, told.append, unexpected)
        for start in range(0, 1536 * 4, 960):
            stream.feed(WINDOW[:960][: 1536 * 4 - start])
            await asyncio.sleep(0)
        await until(lambda: len(told) == 4)
        stream.feed(WINDOW[:1534])
        await asyncio.sleep(0.05)
        assert len(told) == 4
    assert max(max(call) for call in engine.calls) <= 4


async def test_what_is_urgent_does_not_wait_for_more_and_takes_along_what_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = LoudnessEngine()
    patient_told, urgent_told = list[float](), list[float]()
    async with monitoring(engine) as monitor:
        patient = monitor.open(PCM, patient_told.append, unexpected)
        urgent = monitor.open(PCM, urgent_told.append, unexpected)
        patient.feed(WINDOW)
        await until(lambda: len(patient_told) == 1)
        monkeypatch.setattr(voice_activity, "TICK_SECONDS", 3600)
        patient.feed(WINDOW)
        urgent.feed(WINDOW[:-2])
        urgent.is_urgent = True
        await asyncio.sleep(0.02)
        assert len(patient_told) == 1
        urgent.feed(WINDOW[:2])
        await until(lambda: len(patient_told) == 2 and len(urgent_told) == 1)
    assert engine.calls == [[1], [1, 1]]


async def test_who_sends_much_at_once_does_not_hold_up_the_others() -> None:
    engine = LoudnessEngine()
    flood, told_before = list[float](), list[int]()
    async with monitoring(engine) as monitor:
        flooding = monitor.open(PCM, flood.append, unexpected)
        other = monitor.open(PCM, lambda _: told_before.append(len(flood)), unexpected)
        flooding.feed(WINDOW * (WINDOWS_AT_ONCE * 3 + 2))
        other.feed(WINDOW)
        await until(lambda: len(flood) == WINDOWS_AT_ONCE * 3 + 2)
    assert told_before == [WINDOWS_AT_ONCE]
    assert engine.calls == [[WINDOWS_AT_ONCE, 1], [WINDOWS_AT_ONCE], [WINDOWS_AT_ONCE], [2]]


async def test_few_windows_are_measured_on_the_loop_and_many_in_a_thread() -> None:
    engine, told = LoudnessEngine(), list[float]()
    async with monitoring(engine) as monitor:
        stream = monitor.open(PCM, told.append, unexpected)
        stream.feed(WINDOW * MOST_ON_LOOP)
        await until(lambda: len(told) == MOST_ON_LOOP)
        stream.feed(WINDOW * (MOST_ON_LOOP + 1))
        await until(lambda: len(told) == 2 * MOST_ON_LOOP + 1)
    assert engine.on_loop == [True, False]


async def test_hundreds_of_streams_go_in_batches_those_first_that_are_urgent() -> None:
    engine = LoudnessEngine()
    told: list[int] = []
    async with monitoring(engine) as monitor:
        streams = [
            monitor.open(PCM, lambda _, number=number: told.append(number), unexpected)  # type: ignore[misc]
            for number in range(BATCH + 10)
        ]
        streams[-1].is_urgent = True
        for stream in streams:
            stream.feed(WINDOW)
        await until(lambda: len(told) == len(streams))
    assert told == [BATCH + 9, *range(BATCH + 9)]
    assert [len(call) for call in engine.calls] == [BATCH, 10]


async def test_a_window_that_came_while_others_were_measured_is_measured_once() -> None:
    class Slow(LoudnessEngine):
        def measure(self, blocks: Sequence[tuple[vad.Meter, bytes]]) -> list[list[float]]:
            assert goes_on.wait(10)
            return super().measure(blocks)

    engine, goes_on, told = Slow(), Event(), list[float]()
    async with monitoring(engine) as monitor:
        for _ in range(BATCH):
            monitor.open(PCM, lambda _: None, unexpected).feed(WINDOW)
        late = monitor.open(PCM, told.append, unexpected)
        late.feed(WINDOW)
        await asyncio.sleep(0.01)
        late.feed(WINDOW)
        goes_on.set()
        await until(lambda: len(told) == 2)
        await asyncio.sleep(2 * voice_activity.TICK_SECONDS)
        late.feed(WINDOW)
        await until(lambda: len(told) == 3)


async def test_a_closed_stream_is_told_nothing() -> None:
    engine, told, other = LoudnessEngine(), list[float](), list[float]()
    streams: list[ActivityStream] = []

    def measured(probability: float) -> None:
        told.append(probability)
        streams[0].close()

    async with monitoring(engine) as monitor:
        streams.append(monitor.open(PCM, measured, unexpected))
        streams[0].feed(WINDOW * 3)
        monitor.open(PCM, other.append, unexpected).feed(WINDOW)
        await until(lambda: len(other) == 1)
        streams[0].feed(WINDOW * 3)
        await asyncio.sleep(0.03)
    assert len(told) == 1


async def test_a_failure_of_the_engine_is_told_once_and_the_monitor_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    engine, told, failures = LoudnessEngine(), list[float](), list[Exception]()
    async with monitoring(engine) as monitor:
        engine.failing = True
        broken = monitor.open(PCM, told.append, failures.append)
        broken.feed(WINDOW)
        await until(lambda: len(failures) == 1)
        broken.feed(WINDOW)
        engine.failing = False
        monitor.open(PCM, told.append, failures.append).feed(WINDOW)
        await until(lambda: len(told) == 1)
    assert len(failures) == 1
    assert "RuntimeError" in caplog.text


async def test_a_session_that_breaks_does_not_end_the_hearing_of_all() -> None:
    told, failures = list[float](), list[Exception]()

    def broken(_: float) -> None:
        raise RuntimeError("the session is broken")

    async with monitoring(LoudnessEngine()) as monitor:
        monitor.open(PCM, broken, failures.append).feed(WINDOW * 2)
        healthy = monitor.open(PCM, told.append, unexpected)
        healthy.feed(WINDOW)
        await until(lambda: len(told) == 1)
        healthy.feed(WINDOW)
        await until(lambda: len(told) == 2)
    assert len(failures) == 1


async def test_an_automatic_detector_is_measured_by_the_engine_that_it_took() -> None:
    automatic = AutomaticDetector("vad", [Contestant(name="energy", engine=Energy(Energy.Options()))])
    await automatic.warm_up()
    assert isinstance(VoiceActivityMonitor(automatic).metering, Energy)


def question(audio_type: AudioType) -> bytes:
    """A second of silence, somebody who asks for two seconds, and a second and a half of silence."""
    with wave.open(str(QUESTION)) as recording:
        speech = bytes(recording.readframes(recording.getnframes()))
    form = FORMATS[audio_type]
    resampler = Resampler(16_000, form.rate)
    pcm = resampler.feed(bytes(32_000) + speech + bytes(48_000)) + resampler.finish()
    return form.encode(pcm)


@pytest.mark.parametrize("audio_type", ["audio/pcm", "audio/pcmu", "audio/pcma"])
@pytest.mark.parametrize("name", ["energy", "silero"])
async def test_real_detectors_hear_a_turn_in_every_format(
    audio_type: AudioType, name: str, real_model: Callable[[str], Path]
) -> None:
    engine: vad.VoiceActivity = Energy(Energy.Options())
    if name == "silero":
        engine = Silero(Silero.Options(vad_model=str(real_model("silero") / "silero_vad.onnx")))
    await engine.warm_up()
    events: list[VoiceInput] = []
    async with monitoring(engine) as monitor:
        tracker = SpeechTracker(TrackerSettings(), window_ms=monitor.window_ms)

        def measured(probability: float) -> None:
            if (event := tracker.window(probability)) is not None:
                events.append(event)

        monitor.open(FORMATS[audio_type], measured, unexpected).feed(question(audio_type))
        await until(lambda: any(isinstance(event, TurnEnded) for event in events))
    started, *pauses, ended = events
    assert isinstance(started, VoiceStarted)
    assert started.at_ms == pytest.approx(1250, abs=100)
    assert isinstance(pauses[-1], VoicePaused)
    assert pauses[-1].at_ms == pytest.approx(2850, abs=150)
    assert ended.at_ms == pytest.approx(pauses[-1].at_ms + 500, abs=40)

"""How a session hears: turns as inputs, audio kept as long as it is needed, and settings that change meanwhile.

The engine of these tests takes the loudness of a window for the probability of speech, so that a test writes what is
heard; ``hears`` waits until all of it was measured.
"""

import asyncio
import wave
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soxr

from adapters.contract import vad
from adapters.contract.errors import InvalidRequest
from adapters.turn_end.smart_turn import SmartTurn
from adapters.vad.silero.adapter import Silero
from gateway.realtime.audio_memory import AudioMemory
from gateway.realtime.hearing import voice_activity
from gateway.realtime.hearing.audio_format import FORMATS, AudioFormat
from gateway.realtime.hearing.end_of_turn import TurnJudge
from gateway.realtime.hearing.listener import Hearing, Listener
from gateway.realtime.hearing.voice_activity import VoiceActivityMonitor
from gateway.realtime.protocol.session_config import SemanticVad, ServerVad, TurnDetection
from gateway.realtime.session.inputs import TurnEnded, VoiceInput, VoicePaused, VoiceResumed, VoiceStarted
from gateway.tasks import background

PCM, MU_LAW = FORMATS["audio/pcm"], FORMATS["audio/pcmu"]
VOICE, QUIET = 10_000, 0
LOUD = 5_000
QUESTION = Path(__file__).parents[3] / "data" / "question.wav"


class Meter:
    """A stream of the engine."""


class LoudnessEngine:
    """Speech is what is loud."""

    sample_rate = 16_000
    window_seconds = 0.032

    def __init__(self) -> None:
        self.measured = 0
        self.failing = False

    def detector(self) -> vad.Detector:
        raise NotImplementedError

    def meter(self) -> Meter:
        return Meter()

    def measure(self, blocks: Sequence[tuple[vad.Meter, bytes]]) -> list[list[float]]:
        if self.failing:
            raise RuntimeError("the engine is broken")
        found = []
        for _, pcm in blocks:
            windows = np.abs(np.frombuffer(pcm, "<i2").reshape(-1, 512).astype(float))
            found.append([float(np.median(window) > LOUD) for window in windows])
            self.measured += len(windows)
        return found

    async def warm_up(self) -> None:
        await asyncio.sleep(0)

    async def aclose(self) -> None:
        await asyncio.sleep(0)


class Model:
    """Judges the end of a turn by what it is told to say."""

    sample_rate = 16_000
    window_seconds = 1.0

    def __init__(self, answer: float) -> None:
        self.answer = answer
        self.heard: list[float] = []

    def probability(self, pcm: bytes) -> float:
        self.heard.append(len(pcm) / 32_000)
        return self.answer

    async def warm_up(self) -> None:
        await asyncio.sleep(0)

    async def aclose(self) -> None:
        await asyncio.sleep(0)


class Session:
    """A listener, what it told, and a client that sends 32 ms at a time."""

    def __init__(self, hearing: Hearing, engine: LoudnessEngine) -> None:
        self.told: list[VoiceInput] = []
        self.failures: list[Exception] = []
        self.listener = Listener(hearing, self.told.append, self.failures.append)
        self.engine = engine
        self.form = PCM

    def listen(self, detection: TurnDetection | None, audio_format: AudioFormat = PCM) -> None:
        self.form = audio_format
        self.listener.listen(audio_format, detection)

    async def hears(self, *spans: tuple[int, int]) -> list[VoiceInput]:
        """So many windows with this level each; returns all that was told since the beginning."""
        for windows, level in spans:
            for _ in range(windows):
                samples = np.full(round(self.form.rate * 0.032), level, "<i2").tobytes()
                before = self.engine.measured
                self.listener.append(self.form.encode(samples))
                async with asyncio.timeout(10):
                    while self.engine.measured == before and not self.engine.failing:
                        await asyncio.sleep(0.001)
        await asyncio.sleep(0.03)
        return self.told


@asynccontextmanager
async def session(model: Model | None = None) -> AsyncGenerator[Session, None]:
    engine = LoudnessEngine()
    monitor = VoiceActivityMonitor(engine)
    async with background() as start:
        start(monitor.run())
        yield Session(Hearing(monitor=monitor, judge=TurnJudge(model), start=start, memory=AudioMemory(1024)), engine)


def ms(windows: int) -> int:
    return windows * 32


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_pause_is_told_with_the_frame_that_makes_it_long_enough() -> None:
    """Work ahead begins then: with the next window it would begin 12 ms later."""
    async with session() as at:
        at.listen(ServerVad())
        assert await at.hears((10, VOICE), (3, QUIET)) == [VoiceStarted(at_ms=0)]
        at.listener.append(bytes(2 * 24 * 10))
        assert len(at.told) == 1, "106 ms, in frames of 10"
        at.listener.append(bytes(2 * 24 * 10))
        assert at.told == [VoiceStarted(at_ms=0), VoicePaused(at_ms=ms(10))]
        utterance = at.listener.open(0)
        assert utterance.is_paused
        assert utterance.seconds == pytest.approx(ms(13) / 1000)


async def test_the_window_that_may_start_or_end_a_turn_is_measured_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others wait for those of other sessions, here for an hour."""
    async with session() as at:
        at.listen(ServerVad())
        await at.hears((3, QUIET), (1, VOICE))
        with monkeypatch.context() as patient:
            patient.setattr(voice_activity, "TICK_SECONDS", 3600)
            assert await at.hears((1, VOICE)) == [VoiceStarted(at_ms=ms(3))]
        await at.hears((8, VOICE), (15, QUIET))
        monkeypatch.setattr(voice_activity, "TICK_SECONDS", 3600)
        assert (await at.hears((1, QUIET)))[-1] == TurnEnded(at_ms=ms(29))


async def test_a_pause_in_larger_frames_is_told_when_they_are_measured() -> None:
    """All that was measured by then is of the turn, as when it is told with a frame."""
    async with session() as at:
        at.listen(ServerVad())
        await at.hears((10, VOICE))
        utterance = at.listener.open(0)
        at.listener.append(bytes(2 * 24 * 120))
        await until(lambda: len(at.told) == 2)
        assert at.told[1] == VoicePaused(at_ms=ms(10))
        assert utterance.seconds == pytest.approx(ms(13) / 1000)


async def test_a_turn_and_its_audio() -> None:
    async with session() as client:
        client.listen(ServerVad(silence_duration_ms=320, prefix_padding_ms=64))
        told = await client.hears((10, QUIET), (10, VOICE), (12, QUIET))
        assert told == [
            VoiceStarted(at_ms=ms(10)),
            VoicePaused(at_ms=ms(20)),
            TurnEnded(at_ms=ms(30)),
        ]
        utterance = client.listener.commit(ms(8), ms(30))
        assert len(utterance.data) == PCM.size(ms(22))
        assert client.listener.audio.kept_from_ms == ms(30)


async def test_silence_is_forgotten_but_for_the_padding() -> None:
    async with session() as client:
        client.listen(ServerVad(prefix_padding_ms=320))
        await client.hears((100, QUIET))
        assert client.listener.audio.kept_from_ms == ms(90)


async def test_a_turn_is_kept_until_it_is_committed_whatever_comes_after_it() -> None:
    async with session() as client:
        client.listen(ServerVad(silence_duration_ms=200, prefix_padding_ms=0))
        told = await client.hears((4, QUIET), (5, VOICE), (20, QUIET), (5, VOICE), (20, QUIET))
        first, second = [event.at_ms for event in told if isinstance(event, TurnEnded)]
        assert len(client.listener.commit(ms(4), first).data) == PCM.size(first - ms(4))
        assert len(client.listener.commit(ms(29), second).data) == PCM.size(second - ms(29))
        await client.hears((1, QUIET))
        assert client.listener.audio.kept_from_ms >= second


async def test_a_recogniser_reads_the_turn_and_its_pauses_as_they_are_noticed() -> None:
    async with session() as client:
        client.listen(ServerVad(prefix_padding_ms=0))
        await client.hears((4, QUIET), (5, VOICE))
        utterance = client.listener.open(ms(4))
        assert utterance.seconds == pytest.approx(ms(5) / 1000)
        await client.hears((5, VOICE), (6, QUIET))
        assert utterance.is_paused
        paused_at = utterance.seconds
        assert ms(10) / 1000 <= paused_at < ms(15) / 1000
        await client.hears((4, QUIET))
        assert utterance.seconds == paused_at
        await client.hears((3, VOICE))
        assert not utterance.is_paused
        assert utterance.seconds == pytest.approx(ms(23) / 1000)


async def test_a_recogniser_that_comes_late_gets_its_turn_and_no_more() -> None:
    async with session() as client:
        client.listen(ServerVad(silence_duration_ms=200, prefix_padding_ms=0))
        told = await client.hears((4, QUIET), (5, VOICE), (20, QUIET), (5, VOICE))
        utterance = client.listener.open(ms(4))
        assert utterance.is_paused
        await client.hears((5, VOICE))
        assert utterance.seconds < ms(13) / 1000
        ended = next(event.at_ms for event in told if isinstance(event, TurnEnded))
        assert client.listener.commit(ms(4), ended) is utterance


async def test_a_commit_in_a_turn_begins_another_one() -> None:
    async with session() as client:
        client.listen(ServerVad(prefix_padding_ms=0))
        await client.hears((10, VOICE))
        client.listener.commit(0, ms(10))
        assert await client.hears((5, VOICE)) == [VoiceStarted(at_ms=0), VoiceStarted(at_ms=ms(10))]


async def test_a_commit_leaves_the_turn_that_began_meanwhile() -> None:
    async with session() as client:
        client.listen(ServerVad(silence_duration_ms=200, prefix_padding_ms=0))
        told = await client.hears((5, VOICE), (7, QUIET), (5, VOICE))
        assert [type(event) for event in told] == [VoiceStarted, VoicePaused, TurnEnded, VoiceStarted]
        client.listener.commit(0, told[2].at_ms)
        await client.hears((1, VOICE))
        assert len(client.told) == 4
        assert client.listener.open(told[3].at_ms).seconds == pytest.approx(ms(6) / 1000)


async def test_clearing_drops_the_turn_and_begins_another_one() -> None:
    async with session() as client:
        client.listen(ServerVad(prefix_padding_ms=0))
        await client.hears((10, VOICE))
        utterance = client.listener.open(0)
        client.listener.clear(ms(10))
        assert utterance.data == b""
        assert await client.hears((5, VOICE)) == [VoiceStarted(at_ms=0), VoiceStarted(at_ms=ms(10))]
        assert client.listener.audio.kept_from_ms == ms(10)


async def test_without_turn_detection_everything_is_kept_and_nothing_told() -> None:
    async with session() as client:
        client.listen(None)
        for _ in range(50):
            client.listener.append(bytes(1536))
        utterance = client.listener.open(0)
        assert utterance.seconds == pytest.approx(1.6)
        client.listener.append(bytes(1536))
        assert utterance.seconds == pytest.approx(1.632)
        assert client.listener.audio.kept_from_ms == 0
        await asyncio.sleep(0.03)
        assert client.told == []
        assert client.engine.measured == 0


async def test_turn_detection_goes_off_and_on() -> None:
    async with session() as client:
        client.listen(ServerVad(prefix_padding_ms=0))
        await client.hears((5, VOICE))
        client.listen(None)
        client.listener.append(bytes(1536 * 100))
        await asyncio.sleep(0.03)
        assert client.told == [VoiceStarted(at_ms=0)]
        assert client.listener.audio.kept_from_ms == 0
        client.listener.commit(0, ms(105))
        client.listen(ServerVad(prefix_padding_ms=0))
        assert await client.hears((5, VOICE)) == [VoiceStarted(at_ms=0), VoiceStarted(at_ms=ms(105))]


async def test_a_turn_goes_on_under_new_settings() -> None:
    async with session() as client:
        client.listen(ServerVad(silence_duration_ms=5000))
        await client.hears((5, VOICE), (10, QUIET))
        client.listen(ServerVad(silence_duration_ms=200))
        assert await client.hears((1, QUIET)) == [
            VoiceStarted(at_ms=0),
            VoicePaused(at_ms=ms(5)),
            TurnEnded(at_ms=ms(16)),
        ]


async def test_a_pause_in_which_turn_detection_goes_off_is_over() -> None:
    async with session() as client:
        client.listen(ServerVad(prefix_padding_ms=0))
        await client.hears((5, VOICE), (6, QUIET))
        utterance = client.listener.open(0)
        assert utterance.is_paused
        client.listen(None)
        client.listener.append(bytes(1536 * 100))
        assert not utterance.is_paused
        assert not client.listener.open(0).is_paused, "nor is one that begins anew"
        client.listener.append(bytes(1536))
        assert client.listener.commit(0, ms(112)).seconds == pytest.approx(ms(112) / 1000)


async def test_a_pause_is_over_where_what_came_after_it_was_not_measured_when_it_is_committed() -> None:
    async with session() as client:
        client.listen(ServerVad(prefix_padding_ms=0))
        await client.hears((5, VOICE), (6, QUIET))
        utterance = client.listener.open(0)
        client.listener.append(bytes(1536 * 100))
        client.listener.commit(0, ms(111))
        assert utterance.seconds == pytest.approx(ms(111) / 1000)


async def test_another_format_drops_a_turn_and_positions_go_on() -> None:
    async with session() as client:
        client.listen(ServerVad(prefix_padding_ms=0))
        await client.hears((10, VOICE))
        client.listen(ServerVad(prefix_padding_ms=0), MU_LAW)
        told = await client.hears((10, VOICE))
        assert told == [VoiceStarted(at_ms=0), VoiceStarted(at_ms=ms(10))]
        assert client.listener.now_ms == ms(20)
        assert len(client.listener.commit(ms(10), ms(20)).data) == ms(10) * 8


async def test_bad_audio_is_refused_before_anything_hears_it() -> None:
    async with session() as client:
        client.listen(ServerVad())
        with pytest.raises(InvalidRequest):
            client.listener.append(bytes(1537))
        assert client.listener.now_ms == 0


async def test_a_failure_of_the_engine_is_told() -> None:
    async with session() as client:
        client.listen(ServerVad())
        client.engine.failing = True
        await client.hears((1, VOICE))
        await until(lambda: bool(client.failures))
        assert client.told == []


async def test_a_turn_that_sounds_ended_ends_soon() -> None:
    model = Model(0.9)
    async with session(model) as client:
        client.listen(SemanticVad(eagerness="low"))
        told = await client.hears((5, VOICE), (12, QUIET))
        assert isinstance(told[-1], TurnEnded)
        assert told[-1].at_ms == pytest.approx(ms(5) + 250, abs=100)
    assert model.heard == pytest.approx([0.384], abs=0.01), "the voice and 200 ms of the pause"


async def test_the_judge_hears_the_end_of_a_long_turn() -> None:
    model = Model(0.9)
    async with session(model) as client:
        client.listen(SemanticVad())
        await client.hears((60, VOICE), (8, QUIET))
    assert model.heard == pytest.approx([1.0], abs=0.01)


async def test_a_turn_that_does_not_sound_ended_lasts_to_the_limit() -> None:
    model = Model(0.1)
    async with session(model) as client:
        client.listen(SemanticVad(eagerness="high"))
        told = await client.hears((5, VOICE), (62, QUIET))
        assert not any(isinstance(event, TurnEnded) for event in told)
        told = await client.hears((3, QUIET))
        assert told[-1].at_ms == pytest.approx(ms(5) + 2000, abs=32)
    assert len(model.heard) == 1, "one judgement a pause"


async def test_each_pause_is_judged_anew() -> None:
    model = Model(0.1)
    async with session(model) as client:
        client.listen(SemanticVad())
        await client.hears((5, VOICE), (10, QUIET))
        model.answer = 0.9
        told = await client.hears((5, VOICE), (12, QUIET))
        assert [type(event) for event in told] == [VoiceStarted, VoicePaused, VoiceResumed, VoicePaused, TurnEnded]


async def test_words_that_go_on_keep_a_turn_open_and_complete_ones_end_it() -> None:
    async with session() as client:
        client.listen(SemanticVad())
        client.listener.words("nobody has spoken yet")
        await client.hears((5, VOICE), (5, QUIET))
        client.listener.words("I would like to", "en")
        told = await client.hears((50, QUIET))
        assert not isinstance(told[-1], TurnEnded)
        client.listener.words("I would like two.", "en")
        assert isinstance(told[-1], TurnEnded), "the pause is long enough for that"
        client.listener.words("and then", "en")
        assert told[-1] == told[2]


async def test_a_turn_ends_when_its_audio_stops_coming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.realtime.hearing.listener.STALLED_MS", 200.0)
    async with session() as client:
        client.listen(ServerVad(silence_duration_ms=60_000, prefix_padding_ms=0))
        await client.hears((5, VOICE))
        assert client.told == [VoiceStarted(at_ms=0)], "audio comes"
        await until(lambda: len(client.told) == 2)
        assert client.told[-1] == TurnEnded(at_ms=ms(5))
        assert len(client.listener.commit(0, ms(5)).data) == PCM.size(ms(5))
        assert await client.hears((5, VOICE)) == [*client.told[:2], VoiceStarted(at_ms=ms(5))]


async def test_a_closed_listener_tells_nothing() -> None:
    async with session() as client:
        client.listen(ServerVad())
        client.listener.close()
        client.listener.append(np.full(768 * 20, VOICE, "<i2").tobytes())
        await asyncio.sleep(0.03)
        assert client.told == []


@pytest.mark.parametrize(("seconds", "is_over"), [(None, True), (1.5, False)])
async def test_real_models_tell_a_question_from_its_beginning(
    seconds: float | None, is_over: bool, real_model: Callable[[str], Path]
) -> None:
    """Silero and Smart Turn hear a question, or one that breaks off after ``seconds``, and a second of silence."""
    silero = Silero(Silero.Options(vad_model=str(real_model("silero") / "silero_vad.onnx")))
    smart_turn = SmartTurn(str(real_model("smart-turn") / "smart-turn-v3.2-cpu.onnx"))
    await silero.warm_up()
    await smart_turn.warm_up()
    monitor = VoiceActivityMonitor(silero)
    told: list[VoiceInput] = []
    with wave.open(str(QUESTION)) as recording:
        pcm = bytes(recording.readframes(recording.getnframes()))
    speech = pcm if seconds is None else pcm[: round(seconds * 16_000) * 2]
    audio = soxr.resample(np.frombuffer(bytes(16_000) + speech + bytes(32_000), "<i2"), 16_000, 24_000).tobytes()
    async with background() as start:
        start(monitor.run())
        listener = Listener(
            Hearing(monitor=monitor, judge=TurnJudge(smart_turn), start=start, memory=AudioMemory(1024)),
            told.append,
            print,
        )
        listener.listen(PCM, SemanticVad())
        for at in range(0, len(audio), 960):
            listener.append(audio[at : at + 960])
            if any(isinstance(event, VoicePaused) for event in told):
                await asyncio.sleep(0.02)  # the judge has its time
            else:
                await asyncio.sleep(0.002)
        if is_over:
            await until(lambda: isinstance(told[-1], TurnEnded))
        else:
            await asyncio.sleep(0.5)
            assert not any(isinstance(event, TurnEnded) for event in told)


async def test_two_sessions_with_opposite_settings() -> None:
    async with session() as one:
        other = Session(one.listener._hearing, one.engine)
        one.listen(ServerVad(silence_duration_ms=200))
        other.listen(SemanticVad(eagerness="low"))
        await asyncio.gather(one.hears((5, VOICE), (12, QUIET)), other.hears((5, VOICE), (12, QUIET)))
        other.listener.words("and", "en")
        await other.hears((40, QUIET))
    assert isinstance(one.told[-1], TurnEnded)
    assert other.told == [VoiceStarted(at_ms=0), VoicePaused(at_ms=ms(5))]

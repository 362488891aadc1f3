"""The transcript of an utterance that grows, by recognisers that hear live and by those that need it whole."""

import asyncio
import wave
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soxr

from adapters import scripted
from adapters.contract import stt
from adapters.contract.errors import AdapterError, Unavailable, UpstreamError
from adapters.stt.faster_whisper.adapter import FasterWhisper
from adapters.stt.recognition import RecognitionRequest, RecognitionResult
from gateway.engines.queue import QueuedEngine, QueueLimits
from gateway.pipeline.listen import RecognitionOptions, TranscriptDelta, TranscriptFinished
from gateway.realtime.audio_memory import AudioMemory
from gateway.realtime.hearing.audio_format import FORMATS, AudioFormat
from gateway.realtime.hearing.input_audio import InputAudio, Utterance
from gateway.realtime.hearing.live_transcription import MOST_PAUSES, LiveTranscription, Transcribed, WordsSoFar
from gateway.tasks import background

RATE = 24_000
QUESTION = Path(__file__).parents[3] / "data" / "question.wav"
SECOND = bytes(2 * RATE)
PLAIN = RecognitionOptions(language="en")
Recogniser = scripted.Scripted[stt.Request, stt.Event, stt.Info]


class Speaker:
    """Somebody who speaks a word a second into an utterance, and the transcription of it."""

    def __init__(self) -> None:
        self.audio = InputAudio(FORMATS["audio/pcm"], AudioMemory(64))
        self.utterance: Utterance = self.audio.open(0)
        self.events: list[Transcribed] = []
        self.heard: list[str] = []
        self.error: AdapterError | None = None
        self.over = asyncio.Event()

    async def speaks(self, seconds: int = 1) -> None:
        self.audio.append(SECOND * seconds)
        self.utterance.advance(self.audio.now_ms)
        await settled()

    async def pauses(self) -> None:
        self.utterance.pause()
        await settled()

    async def goes_on(self) -> None:
        self.utterance.resume()
        await self.speaks()

    async def ends(self) -> list[str]:
        """Half a second later; returns the deltas and, last, the whole text."""
        self.audio.append(bytes(RATE))
        self.audio.commit(0, self.audio.now_ms)
        async with asyncio.timeout(10):
            await self.over.wait()
        if self.error is not None:
            raise self.error
        *deltas, finished = self.events
        assert isinstance(finished, TranscriptFinished)
        assert all(isinstance(delta, TranscriptDelta) for delta in deltas)
        texts = [delta.text for delta in deltas if isinstance(delta, TranscriptDelta)]
        assert "".join(texts) == finished.text
        return [*texts, finished.text]

    async def read(self, transcription: LiveTranscription) -> None:
        try:
            async with aclosing(transcription.events()) as events:
                async for event in events:
                    self.events.append(event)
        except AdapterError as error:
            self.error = error
        self.over.set()


def words(text: str) -> WordsSoFar:
    """What was said so far, in the language that was asked for."""
    return WordsSoFar(text=text, language="en")


async def settled() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


@asynccontextmanager
async def transcribing(
    recogniser: stt.Recogniser, *, in_pauses: bool = True
) -> AsyncGenerator[tuple[Speaker, LiveTranscription], None]:
    speaker = Speaker()
    transcription = LiveTranscription(
        recogniser, speaker.utterance, PLAIN, in_pauses=in_pauses, heard=lambda text, _: speaker.heard.append(text)
    )
    async with background() as start:
        start(speaker.read(transcription))
        await settled()
        yield speaker, transcription


def whole() -> Recogniser:
    """Hears a word a second, once the audio has ended."""

    async def script(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        size = 0
        async for block in request.audio:
            size += len(block)
        seconds = size / 32_000
        await asyncio.sleep(0)
        yield stt.FinalTranscript(text=" ".join(f"w{number}" for number in range(int(seconds + 0.25))))
        yield stt.Finished(language="en", seconds=seconds)

    return scripted.Scripted(stt.Info(sample_rate=16_000), script)


def live() -> Recogniser:
    """Hears a word a second while they come; all but the last are stable until a pause or the end."""

    async def script(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        size, words = 0, list[str]()
        async for block in request.audio:
            size += len(block)
            words = [f"w{number}" for number in range(int(size / 32_000 + 0.25))]
            stable = " ".join(words[:-1])
            yield stt.PartialTranscript(stable=stable, unstable=" ".join(words)[len(stable) :])
        yield stt.FinalTranscript(text=" ".join(words))
        yield stt.Finished(language="en", seconds=size / 32_000)

    return scripted.Scripted(stt.Info(sample_rate=16_000, live=True), script)


def failing(*errors: AdapterError, then: Recogniser) -> Recogniser:
    """Fails with each of ``errors`` in turn."""
    left = list(errors)

    async def script(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        if left:
            raise left.pop(0)
        async with aclosing(then.script(request)) as events:
            async for event in events:
                yield event

    return scripted.Scripted(then.info, script)


async def test_a_live_recogniser_tells_words_while_they_are_spoken() -> None:
    recogniser = live()
    async with transcribing(recogniser) as (speaker, _):
        await speaker.speaks()
        await speaker.speaks()
        await speaker.speaks()
        assert speaker.events == [TranscriptDelta(text="w0"), TranscriptDelta(text=" w1")]
        assert await speaker.ends() == ["w0", " w1", " w2", "w0 w1 w2"]
    assert recogniser.opened == 1
    assert recogniser.requests[0].language == "en"


async def test_a_live_recogniser_tells_the_words_up_to_a_pause() -> None:
    async with transcribing(live()) as (speaker, transcription):
        await speaker.speaks(2)
        assert await transcription.so_far() is None, "it does not pause"
        await speaker.pauses()
        assert await transcription.so_far() == words("w0 w1")
        await speaker.goes_on()
        assert await transcription.so_far() is None
        await speaker.pauses()
        assert await transcription.so_far() == words("w0 w1 w2")
        assert (await speaker.ends())[-1] == "w0 w1 w2"
        finished = speaker.events[-1]
        assert isinstance(finished, TranscriptFinished)
        assert finished.seconds == pytest.approx(3.0, abs=0.05), "the silence after the pause is not recognised"
        assert speaker.heard == ["w0 w1", "w0 w1 w2"], "the words of each pause"


async def test_another_recogniser_hears_a_pause_and_that_is_the_end() -> None:
    recogniser = whole()
    async with transcribing(recogniser) as (speaker, transcription):
        await speaker.speaks(2)
        await settled()
        assert recogniser.opened == 0
        await speaker.pauses()
        assert await transcription.so_far() == words("w0 w1")
        assert speaker.events == [], "it may go on"
        assert await speaker.ends() == ["w0 w1", "w0 w1"]
    assert recogniser.opened == 1


async def test_what_was_heard_in_a_pause_is_thrown_away_when_the_speaker_goes_on() -> None:
    recogniser = whole()
    async with transcribing(recogniser) as (speaker, transcription):
        await speaker.speaks(2)
        await speaker.pauses()
        assert await transcription.so_far() == words("w0 w1")
        await speaker.goes_on()
        assert await speaker.ends() == ["w0 w1 w2", "w0 w1 w2"]
    assert recogniser.opened == 2


async def test_recognition_stops_at_once_when_the_speaker_goes_on() -> None:
    recogniser = whole()
    slow = failing(then=recogniser)

    async def script(_: stt.Request) -> AsyncGenerator[stt.Event, None]:
        await asyncio.sleep(3600)
        yield stt.FinalTranscript(text="too late")

    slow.script = script
    async with transcribing(slow) as (speaker, transcription):
        await speaker.speaks()
        await speaker.pauses()
        assert slow.open == 1
        async with background() as start:
            found: list[WordsSoFar | None] = []

            async def wait() -> None:
                found.append(await transcription.so_far())

            start(wait())
            await settled()
            slow.script = recogniser.script
            await speaker.goes_on()
            assert found == [None]
        assert slow.open == 0
        assert (await speaker.ends())[-1] == "w0 w1"


async def test_without_work_ahead_nothing_is_recognised_before_the_end() -> None:
    recogniser = whole()
    async with transcribing(recogniser, in_pauses=False) as (speaker, transcription):
        await speaker.speaks(2)
        await speaker.pauses()
        assert await transcription.so_far() is None
        assert recogniser.opened == 0
        assert await speaker.ends() == ["w0 w1", "w0 w1"]


async def test_the_sample_rate_is_changed_in_a_pause_and_not_when_somebody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    converted: list[float] = []
    convert = AudioFormat.pcm

    def counting(self: AudioFormat, data: bytes, rate: int) -> bytes:
        converted.append(self.milliseconds(len(data)) / 1000)
        return convert(self, data, rate)

    monkeypatch.setattr(AudioFormat, "pcm", counting)
    async with transcribing(whole(), in_pauses=False) as (speaker, _):
        await speaker.speaks(1)
        await speaker.pauses()
        assert converted == [1]
        await speaker.goes_on()
        await speaker.pauses()
        assert converted == [1, 2]
        assert await speaker.ends() == ["w0 w1", "w0 w1"]
    assert converted == [1, 2]
    async with transcribing(whole(), in_pauses=False) as (speaker, _):
        for _ in range(MOST_PAUSES + 1):
            await speaker.goes_on()
            await speaker.pauses()
        assert converted[2:] == [1, 2, 3], "of somebody who pauses a lot only at the end"
        assert (await speaker.ends())[-1] == "w0 w1 w2 w3"


async def test_a_long_utterance_is_recognised_once() -> None:
    recogniser = whole()
    async with transcribing(recogniser) as (speaker, _):
        await speaker.speaks(31)
        await speaker.pauses()
        assert recogniser.opened == 0
        assert len((await speaker.ends())[-1].split()) == 31


async def test_somebody_who_pauses_a_lot_is_recognised_at_the_end() -> None:
    recogniser = whole()
    async with transcribing(recogniser) as (speaker, transcription):
        for _ in range(MOST_PAUSES):
            await speaker.goes_on()
            await speaker.pauses()
            assert await transcription.so_far() is not None
        await speaker.goes_on()
        await speaker.pauses()
        assert recogniser.opened == MOST_PAUSES
        assert len((await speaker.ends())[-1].split()) == MOST_PAUSES + 1
    assert recogniser.opened == MOST_PAUSES + 1


@pytest.mark.parametrize("make", [whole, live])
async def test_no_words_are_an_empty_transcript(make: Callable[[], Recogniser]) -> None:
    async with transcribing(make()) as (speaker, _):
        speaker.audio.clear(0)
        async with asyncio.timeout(10):
            await speaker.over.wait()
        assert [event for event in speaker.events if isinstance(event, TranscriptDelta)] == []
        assert isinstance(speaker.events[-1], TranscriptFinished)
        assert speaker.events[-1].text == ""


async def test_a_failure_is_raised_at_the_end() -> None:
    broken = failing(UpstreamError("It broke."), UpstreamError("It broke again."), then=whole())
    async with transcribing(broken) as (speaker, transcription):
        await speaker.speaks()
        await speaker.pauses()
        assert speaker.error is None
        await speaker.goes_on()
        assert await transcription.so_far() is None
        with pytest.raises(UpstreamError, match="It broke again"):
            await speaker.ends()


async def test_the_language_that_is_heard_is_known_in_the_pause() -> None:
    async def script(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        async for block in request.audio:
            if not block and recogniser.info.live:
                yield stt.PartialTranscript(stable="", unstable="wie spät", language="de")
        yield stt.FinalTranscript(text="wie spät")
        yield stt.Finished(language="de", seconds=1.0)

    for is_live in (False, True):
        recogniser = scripted.Scripted(stt.Info(sample_rate=16_000, live=is_live), script)
        async with transcribing(recogniser) as (speaker, transcription):
            await speaker.speaks()
            await speaker.pauses()
            assert await transcription.so_far() == WordsSoFar(text="wie spät", language="de")
            await speaker.ends()


async def test_so_far_does_not_wait_for_a_recogniser_that_failed() -> None:
    async with transcribing(failing(UpstreamError("It broke."), then=live())) as (speaker, transcription):
        await speaker.speaks()
        await speaker.pauses()
        assert await transcription.so_far() is None
        with pytest.raises(UpstreamError, match="It broke"):
            await speaker.ends()


async def test_a_recogniser_that_was_busy_hears_it_when_it_has_ended() -> None:
    busy = failing(Unavailable("It is busy."), then=live())
    async with transcribing(busy) as (speaker, _):
        await speaker.speaks(2)
        assert busy.opened == 1
        assert speaker.error is None
        assert (await speaker.ends())[-1] == "w0 w1"


async def test_live_streams_leave_half_of_the_places_free() -> None:
    recogniser = live()
    recogniser.info = stt.Info(sample_rate=16_000, live=True, max_parallel=2)
    queued = QueuedEngine("ears", recogniser, QueueLimits(length=4, seconds=5))
    async with transcribing(queued) as (first, _), transcribing(queued) as (second, _):
        await first.speaks(2)
        await second.speaks(2)
        assert recogniser.opened == 1
        assert first.events
        assert (await second.ends())[-1] == "w0 w1"
        assert (await first.ends())[-1] == "w0 w1"


async def test_closing_stops_the_recogniser() -> None:
    recogniser = live()
    async with transcribing(recogniser) as (speaker, _):
        await speaker.speaks()
        assert recogniser.open == 1
    assert recogniser.open == 0


def spoken() -> bytes:
    with wave.open(str(QUESTION)) as recording:
        return bytes(recording.readframes(recording.getnframes()))


async def test_whisper_hears_a_question_once(
    real_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real engine: in the pause the words are known, and at the end they are not recognised once more."""
    pytest.importorskip("faster_whisper", reason="needs faster-whisper")
    pcm = soxr.resample(np.frombuffer(spoken(), "<i2"), 16_000, RATE).tobytes()
    recogniser = FasterWhisper(FasterWhisper.Options(stt_model=str(real_model("whisper-base"))))
    await recogniser.warm_up()
    assert recogniser.info.live
    recognised: list[float] = []
    recognise = recogniser._recognise

    async def counted(request: RecognitionRequest) -> RecognitionResult:
        recognised.append(request.seconds)
        return await recognise(request)

    monkeypatch.setattr(recogniser, "_recognise", counted)
    try:
        async with transcribing(recogniser) as (speaker, transcription):
            speaker.audio.append(pcm)
            speaker.utterance.advance(speaker.audio.now_ms)
            await speaker.pauses()
            async with asyncio.timeout(60):
                assert await transcription.so_far() == words("What is the capital of France?")
            assert (await speaker.ends())[-1] == "What is the capital of France?"
        assert recognised == pytest.approx([len(pcm) / 2 / RATE], abs=0.1)
    finally:
        await recogniser.aclose()

"""Silence is never sent to recognition, and not a sample of what was said is lost."""

from collections.abc import AsyncGenerator

import msgspec
import pytest

from adapters import scripted
from adapters.contract import stt, vad
from adapters.contract.errors import UpstreamError
from gateway.audio.decode import decode
from gateway.pipeline.listen import (
    NoSpeech,
    OptionsIgnored,
    RecognitionOptions,
    RecordingFinished,
    TranscriptDelta,
    TranscriptFinished,
    blocks,
    listen,
    record,
)
from tests.support.streams import read
from tests.support.transcript_engine import SEGMENTS, WORDS, TranscriptEngine

BLOCKS = [bytes([number]) * 4 for number in range(6)]


class Detecting:
    """Hears speech in the block of that number."""

    def __init__(self, speech_in: int | None) -> None:
        self.speech_in = speech_in
        self.fed: list[bytes] = []

    def feed(self, pcm: bytes) -> list[vad.Event]:
        self.fed.append(pcm)
        return [vad.SpeechStarted(at=0.0)] if len(self.fed) - 1 == self.speech_in else []


class Microphone:
    """Blocks, and whether they were closed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.closed = False

    async def stream(self) -> AsyncGenerator[bytes, None]:
        try:
            for block in BLOCKS:
                yield block
            if self.error:
                raise self.error
        finally:
            self.closed = True


def hearing(passed: list[bytes]) -> scripted.Scripted[stt.Request, stt.Event, stt.Info]:
    """A recogniser that notes the blocks it gets."""

    async def script(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        async for block in request.audio:
            passed.append(block)
        yield stt.FinalTranscript(text="hello")
        yield stt.Finished(language="en", seconds=1)

    return scripted.Scripted(stt.Info(sample_rate=16_000), script)


async def test_what_came_before_the_speech_is_passed_on_too() -> None:
    microphone, detector, passed = Microphone(), Detecting(3), list[bytes]()
    await read(listen(hearing(passed), detector, microphone.stream(), RecognitionOptions()))
    assert passed == BLOCKS
    assert detector.fed == BLOCKS[:4], "the detector is asked no more than it must be"
    assert microphone.closed


async def test_without_a_detector_everything_is_passed_on_at_once() -> None:
    async def first_block(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        assert await anext(request.audio) == BLOCKS[0]
        yield stt.PartialTranscript(stable="hel")

    engine = scripted.Scripted(stt.Info(sample_rate=16_000), first_block)
    stream = listen(engine, None, Microphone().stream(), RecognitionOptions())
    assert await anext(stream) == TranscriptDelta(text="hel")
    await stream.aclose()


async def test_silence_is_no_speech() -> None:
    microphone, engine = Microphone(), hearing([])
    with pytest.raises(NoSpeech) as refusal:
        await read(listen(engine, Detecting(None), microphone.stream(), RecognitionOptions()))
    assert (refusal.value.param, refusal.value.code) == ("audio", "no_speech")
    assert (engine.open, microphone.closed) == (0, True)


async def test_deltas_are_what_is_stable_and_join_to_the_transcript() -> None:
    async def script(_request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        yield stt.PartialTranscript(stable="", unstable="hal")
        yield stt.PartialTranscript(stable="hello", unstable="wor")
        yield stt.PartialTranscript(stable="hello", unstable=" worl")
        yield stt.FinalTranscript(text="hello world")
        yield stt.Finished(language="en", seconds=1.5)

    engine = scripted.Scripted(stt.Info(sample_rate=16_000), script)
    assert await read(listen(engine, None, Microphone().stream(), RecognitionOptions())) == [
        TranscriptDelta(text="hello"),
        TranscriptDelta(text=" world"),
        TranscriptFinished(text="hello world", language="en", seconds=1.5),
    ]


async def test_options_reach_the_recogniser_and_times_and_ignored_options_come_back() -> None:
    engine = TranscriptEngine()
    options = RecognitionOptions(language="de", prompt="Munter", temperature=0.3, word_times=True, segment_times=True)
    events = await read(listen(engine, None, Microphone().stream(), options))
    assert events[0] == OptionsIgnored(names=("prompt", "temperature"))
    assert isinstance(events[-1], TranscriptFinished)
    assert (events[-1].words, events[-1].segments) == (WORDS, SEGMENTS)
    request = engine.requests[0]
    assert {name: getattr(request, name) for name in options.__struct_fields__} == msgspec.structs.asdict(options)


async def test_blanks_before_the_first_word_are_held_back_until_there_is_one() -> None:
    async def script(_request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        yield stt.PartialTranscript(stable=" ")
        yield stt.FinalTranscript(text=last)
        yield stt.Finished(language="en", seconds=1)

    engine, last = scripted.Scripted(stt.Info(sample_rate=16_000), script), " hi"
    events = await read(listen(engine, None, Microphone().stream(), RecognitionOptions()))
    assert events[:-1] == [TranscriptDelta(text=" hi")]
    last = " "
    with pytest.raises(NoSpeech):
        await anext(listen(engine, None, Microphone().stream(), RecognitionOptions()))


async def test_a_recogniser_that_ends_without_saying_so_is_an_error() -> None:
    async def script(_request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        yield stt.FinalTranscript(text="hello")

    with pytest.raises(UpstreamError, match="before the transcript was finished"):
        await read(
            listen(
                scripted.Scripted(stt.Info(sample_rate=16_000), script),
                None,
                Microphone().stream(),
                RecognitionOptions(),
            )
        )


async def test_the_recogniser_gets_the_audio_and_the_language() -> None:
    engine = scripted.recogniser("hello")
    events = await read(listen(engine, Detecting(0), Microphone().stream(), RecognitionOptions(language="de")))
    assert events[-1] == TranscriptFinished(text="hello", language="de", seconds=12 / 16_000)
    assert engine.open == 0


@pytest.mark.parametrize("text", ["", "  \n"])
async def test_a_transcript_without_words_is_no_speech(text: str) -> None:
    engine, microphone = scripted.recogniser(text), Microphone()
    with pytest.raises(NoSpeech):
        await read(listen(engine, None, microphone.stream(), RecognitionOptions()))
    assert (engine.open, microphone.closed) == (0, True)


async def test_a_recording_that_breaks_off_breaks_the_hearing_off() -> None:
    engine, microphone = scripted.recogniser("ghosts"), Microphone(UpstreamError("The tape broke."))
    with pytest.raises(UpstreamError, match="tape"):
        await read(listen(engine, None, microphone.stream(), RecognitionOptions()))
    assert (engine.open, microphone.closed) == (0, True)


async def test_leaving_early_closes_the_recogniser_and_the_audio() -> None:
    async def impatient(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        await anext(request.audio)
        yield stt.PartialTranscript(stable="hel")
        yield stt.FinalTranscript(text="hello")

    engine, microphone = scripted.Scripted(stt.Info(sample_rate=16_000), impatient), Microphone()
    stream = listen(engine, None, microphone.stream(), RecognitionOptions())
    await anext(stream)
    await stream.aclose()
    assert (engine.open, microphone.closed) == (0, True)


async def test_a_recording_for_the_model_is_a_file_that_others_can_read() -> None:
    (finished,) = await read(record(Detecting(2), Microphone().stream(), 16_000))
    assert isinstance(finished, RecordingFinished)
    assert finished.recording.format == "wav"
    assert finished.recording.data.endswith(b"".join(BLOCKS))
    assert finished.seconds == 12 / 16_000
    loud = b"\x00\x10" * 3200
    (finished,) = await read(record(None, _once(loud), 16_000))
    assert b"".join(decode(finished.recording.data, sample_rate=16_000, max_seconds=10)) == loud
    with pytest.raises(NoSpeech):
        await read(record(Detecting(None), Microphone().stream(), 16_000))


async def _once(block: bytes) -> AsyncGenerator[bytes, None]:
    yield block


async def test_a_whole_recording_comes_in_quarters_of_a_second() -> None:
    pcm = bytes(range(250)) * 100
    read_blocks = await read(blocks(pcm, 16_000))
    assert [len(block) for block in read_blocks] == [8000, 8000, 8000, 1000]
    assert b"".join(read_blocks) == pcm

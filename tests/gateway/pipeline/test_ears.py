"""Nobody is asked about silence, and not a sample of what was said is lost."""

from collections.abc import AsyncGenerator

import pytest

from adapters import scripted
from adapters.contract import stt, vad
from adapters.contract.errors import UpstreamError
from gateway.audio.decode import decode
from gateway.pipeline.ears import NoSpeech, hear, record, spoken
from tests.gateway.pipeline.reading import read

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


async def test_what_came_before_the_speech_is_passed_on_too() -> None:
    microphone, detector = Microphone(), Detecting(3)
    assert await read(spoken(microphone.stream(), detector)) == BLOCKS
    assert detector.fed == BLOCKS[:4], "the detector is asked no more than it must be"
    assert microphone.closed


async def test_without_a_detector_everything_is_passed_on_at_once() -> None:
    stream = spoken(Microphone().stream(), None)
    assert await anext(stream) == BLOCKS[0]
    await stream.aclose()


async def test_silence_is_no_speech() -> None:
    microphone = Microphone()
    with pytest.raises(NoSpeech) as refusal:
        await read(spoken(microphone.stream(), Detecting(None)))
    assert (refusal.value.param, refusal.value.code) == ("file", "no_speech")
    assert microphone.closed


async def test_the_recogniser_gets_the_audio_and_the_language() -> None:
    engine = scripted.recogniser("hello")
    events = await read(hear(engine, Detecting(0), Microphone().stream(), "de"))
    assert events[-1] == stt.Finished(language="de", seconds=12 / 16_000)
    assert engine.open == 0


@pytest.mark.parametrize("text", ["", "  \n"])
async def test_a_transcript_without_words_is_no_speech(text: str) -> None:
    engine, microphone = scripted.recogniser(text), Microphone()
    with pytest.raises(NoSpeech):
        await read(hear(engine, None, microphone.stream(), None))
    assert (engine.open, microphone.closed) == (0, True)


async def test_silence_ends_the_recogniser_too() -> None:
    engine, microphone = scripted.recogniser("ghosts"), Microphone()
    with pytest.raises(NoSpeech):
        await read(hear(engine, Detecting(None), microphone.stream(), None))
    assert (engine.open, microphone.closed) == (0, True)


async def test_a_recording_that_breaks_off_breaks_the_hearing_off() -> None:
    engine, microphone = scripted.recogniser("ghosts"), Microphone(UpstreamError("The tape broke."))
    with pytest.raises(UpstreamError, match="tape"):
        await read(hear(engine, None, microphone.stream(), None))
    assert (engine.open, microphone.closed) == (0, True)


async def test_leaving_early_closes_the_recogniser_and_the_audio() -> None:
    async def impatient(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        await anext(request.audio)
        yield stt.PartialTranscript(stable="hel")
        yield stt.FinalTranscript(text="hello")

    engine, microphone = scripted.Scripted(stt.Info(sample_rate=16_000), impatient), Microphone()
    stream = hear(engine, None, microphone.stream(), None)
    await anext(stream)
    await anext(stream)
    await stream.aclose()
    assert (engine.open, microphone.closed) == (0, True)


async def test_a_recording_for_the_model_is_a_file_that_others_can_read() -> None:
    microphone = Microphone()
    recording = await record(microphone.stream(), Detecting(2), 16_000)
    assert recording.format == "wav"
    assert recording.data.endswith(b"".join(BLOCKS))
    loud = b"\x00\x10" * 3200
    file = await record(_once(loud), None, 16_000)
    decoded = await read(decode(file.data, sample_rate=16_000, max_seconds=10))
    assert b"".join(decoded) == loud
    with pytest.raises(NoSpeech):
        await record(Microphone().stream(), Detecting(None), 16_000)


async def _once(block: bytes) -> AsyncGenerator[bytes, None]:
    yield block

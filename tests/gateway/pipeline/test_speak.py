"""What the scheduler gives is read aloud in the voice of the turn, and ended as it should be."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from adapters import scripted
from adapters.contract import tts
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from gateway.pipeline.playhead import Playhead
from gateway.pipeline.speak import LONGEST_CHUNK_SECONDS, Delivery, UtteranceFinished, UtteranceStarted, speak
from gateway.pipeline.utterance_joins import SENTENCE_SECONDS
from gateway.pipeline.utterance_scheduler import Pacing, UtteranceScheduler
from gateway.telemetry.timings import Stopwatch
from gateway.text.normalization.normalizer import ReadingOptions
from tests.support.streams import read

DELIVERY = Delivery(
    voice="hum", speed=1.0, instructions=None, voice_language=None, text_language=None, reading=ReadingOptions()
)


def full(*sentences: str) -> UtteranceScheduler:
    """A scheduler of these sentences, to which nothing will be added."""
    scheduler = UtteranceScheduler(Pacing(batch_sentences=1, first_utterance_seconds=1.0))
    for sentence in sentences:
        scheduler.write(sentence)
    scheduler.close()
    return scheduler


async def test_speech_that_ends_without_an_end_is_an_error() -> None:
    async def broken(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        yield tts.AudioChunk(pcm=b"\0\0")

    engine = scripted.Scripted(tts.Info(sample_rate=24_000, voices=("v",), default_voice="v"), broken)
    with pytest.raises(UpstreamError, match="before the utterance was finished"):
        await read(speak(engine, DELIVERY, full("Hello."), Stopwatch(), Playhead()))


async def spoken(*sentences: str, to: Delivery = DELIVERY) -> tuple[list[tts.Request], list[Any]]:
    engine = scripted.synthesiser()
    events = await read(speak(engine, to, full(*sentences), Stopwatch(), Playhead()))
    assert engine.open == 0
    return list(engine.requests), events


async def test_what_nobody_would_say_is_not_spoken() -> None:
    requests, events = await spoken("**Hello** there. ", "***\n", " \n", "🙂\n", "Bye.")
    assert [request.text for request in requests] == ["Hello there.", "Bye."]
    assert events[0] == Started()
    assert sum(isinstance(event, Started) for event in events) == 1, "the engine starts once for the turn"


async def test_the_audio_of_an_utterance_follows_its_text_as_it_was_written() -> None:
    _, events = await spoken("***\n", "**Hello** there. ", "Bye.")
    began = [event.text for event in events if isinstance(event, UtteranceStarted)]
    assert began == ["***\n**Hello** there.", " Bye."]
    assert isinstance(events[events.index(UtteranceStarted(text=" Bye.")) + 1], tts.AudioChunk)


async def test_sound_that_comes_at_once_goes_on_in_short_chunks() -> None:
    sound = bytes(range(1, 251)) * 24_000

    async def whole(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        yield tts.AudioChunk(pcm=sound)
        yield tts.Finished(seconds=125.0, characters=6)

    engine = scripted.Scripted(tts.Info(sample_rate=24_000, voices=("hum",), default_voice="hum"), whole)
    events = await read(speak(engine, DELIVERY, full("Hello."), Stopwatch(), Playhead()))
    chunks = [event.pcm for event in events if isinstance(event, tts.AudioChunk)]
    assert b"".join(chunks) == sound
    assert max(map(len, chunks)) == 24_000 * LONGEST_CHUNK_SECONDS * 2


async def test_each_utterance_says_what_it_used() -> None:
    _, events = await spoken("Hello there. ", "Bye.")
    finished = [event for event in events if isinstance(event, UtteranceFinished)]
    assert [event.characters for event in finished] == [len("Hello there."), len("Bye.")]
    chunks = [event for event in events if isinstance(event, tts.AudioChunk)]
    assert sum(event.seconds for event in finished) == pytest.approx(0.04 * (len(chunks) - 1))
    assert len(chunks[-3].pcm) == 24_000 * SENTENCE_SECONDS * 2, "and a pause between the two"


async def test_an_engine_without_sound_for_words_is_an_error() -> None:
    async def silent(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        yield tts.Finished(seconds=0.0, characters=0)

    engine = scripted.Scripted(tts.Info(sample_rate=24_000, voices=("v",), default_voice="v"), silent)
    with pytest.raises(UpstreamError, match="no sound"):
        await read(speak(engine, DELIVERY, full("Hello."), Stopwatch(), Playhead()))
    await read(speak(engine, DELIVERY, full("…"), Stopwatch(), Playhead()))


async def test_nothing_to_say_asks_no_synthesiser() -> None:
    assert await spoken("***", "\n") == ([], [])


async def test_every_utterance_has_the_voice_of_the_turn() -> None:
    german = msgspec.structs.replace(
        DELIVERY, voice="nova", speed=1.5, voice_language="de", text_language="de", instructions="whisper"
    )
    requests, _ = await spoken("Eins. ", "Zwei.", to=german)
    for request, text in zip(requests, ("Eins.", "Zwei."), strict=True):
        assert (request.text, request.voice, request.speed) == (text, "nova", 1.5)
        assert (request.language, request.instructions) == ("de", "whisper")


async def test_numbers_are_read_in_the_language_of_the_text_although_the_voice_was_told_none() -> None:
    requests, _ = await spoken("Um 3 Uhr.", to=msgspec.structs.replace(DELIVERY, text_language="de"))
    assert [(request.text, request.language) for request in requests] == [("Um drei Uhr.", None)]


async def test_a_text_of_unknown_language_is_written_out_in_that_of_the_voice() -> None:
    engine = scripted.synthesiser()
    engine.info = msgspec.structs.replace(engine.info, voice_languages={"hum": "en"})
    await read(speak(engine, DELIVERY, full("It costs $5.50."), Stopwatch(), Playhead()))
    assert [(request.text, request.language) for request in engine.requests] == [
        ("It costs five dollars and fifty cents.", None)
    ]

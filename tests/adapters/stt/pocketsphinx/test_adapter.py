"""The embedded recogniser on a real recording, in real worker processes."""

import wave
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest

from adapters.contract import stt
from adapters.contract.engine import Started
from adapters.contract.errors import TooLong, Unsupported
from adapters.stt.pocketsphinx.adapter import PocketSphinx

QUESTION = "what is the capital of france"
DATA = Path(__file__).parents[3] / "data"


@pytest.fixture
async def engine() -> AsyncIterator[PocketSphinx]:
    recogniser = PocketSphinx(PocketSphinx.Options(pocketsphinx_workers=1))
    yield recogniser
    await recogniser.aclose()


def question() -> bytes:
    with wave.open(str(DATA / "question.wav")) as recording:
        assert recording.getframerate() == 16_000
        return bytes(recording.readframes(recording.getnframes()))


async def blocks(pcm: bytes, size: int = 3201) -> AsyncIterator[bytes]:
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]


async def events(engine: PocketSphinx, request: stt.Request) -> list[stt.Event]:
    async with aclosing(engine.stream(request)) as stream:
        return [event async for event in stream]


async def test_it_understands_the_question_again_and_again(engine: PocketSphinx) -> None:
    await engine.warm_up()
    pcm = question()
    first = await events(engine, stt.Request(audio=blocks(pcm), language="en-US"))
    assert first == [
        Started(),
        stt.PartialTranscript(stable=QUESTION),
        stt.FinalTranscript(text=QUESTION),
        stt.Finished(language="en", seconds=len(pcm) / 32_000),
    ]
    # The same audio gives the same words whatever was said before it.
    softer = memoryview(pcm).cast("h").tolist()
    await events(
        engine, stt.Request(audio=blocks(b"".join(int(s * 0.1).to_bytes(2, "little", signed=True) for s in softer)))
    )
    assert await events(engine, stt.Request(audio=blocks(pcm, 100), language="EN")) == first


async def test_word_times_come_when_asked_for_and_a_prompt_is_named_as_ignored(engine: PocketSphinx) -> None:
    asked = stt.Request(audio=blocks(question()), prompt="cities", temperature=0.5, word_times=True, segment_times=True)
    started, _, final, _ = await events(engine, asked)
    assert started == Started(ignored=("prompt", "temperature"))
    assert isinstance(final, stt.FinalTranscript)
    assert " ".join(word.text for word in final.words) == QUESTION
    times = [time for word in final.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0.1 < times[0] < times[-1] < 1.94
    assert final.segments == (stt.Segment(text=QUESTION, start=times[0], end=times[-1]),)


async def test_the_words_of_a_long_recording_come_part_by_part(engine: PocketSphinx) -> None:
    times = 13  # 25 s
    found = await events(engine, stt.Request(audio=blocks(question() * times, 32_000), word_times=True))
    *partials, final, _ = found[1:]
    assert isinstance(final, stt.FinalTranscript)
    assert final.text == " ".join([QUESTION] * times)
    texts = [partial.stable for partial in partials if isinstance(partial, stt.PartialTranscript)]
    assert len(texts) == 2
    assert texts[0] in {" ".join([QUESTION] * count) for count in range(5, times)}, "cut between two questions"
    assert texts[1] == final.text
    starts = [word.start for word in final.words]
    assert starts == sorted(starts)
    assert 23 < starts[-1] < 25.3


@pytest.mark.parametrize("size", [0, 1, 2, 2000])
async def test_next_to_no_audio_is_an_empty_transcript(engine: PocketSphinx, size: int) -> None:
    assert await events(engine, stt.Request(audio=blocks(bytes(size)))) == [
        Started(),
        stt.FinalTranscript(text=""),
        stt.Finished(language="en", seconds=size / 32_000),
    ]


async def test_other_languages_are_refused(engine: PocketSphinx) -> None:
    with pytest.raises(Unsupported, match="'de'") as raised:
        await events(engine, stt.Request(audio=blocks(b""), language="de"))
    assert raised.value.param == "language"
    with pytest.raises(Unsupported, match="does not translate"):
        await events(engine, stt.Request(audio=blocks(b""), translate=True))


async def test_audio_past_the_limit_is_refused_as_soon_as_it_is_reached(engine: PocketSphinx) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(32_000)

    with pytest.raises(TooLong, match="60 s") as raised:
        await events(engine, stt.Request(audio=endless()))
    assert (raised.value.param, raised.value.code) == ("audio", "audio_too_long")


@pytest.mark.parametrize("workers", [0, 65])
def test_the_number_of_workers_is_bounded(workers: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"pocketsphinx_workers": workers}, PocketSphinx.Options)

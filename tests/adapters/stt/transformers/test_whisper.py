"""Whisper, trained on three recordings: words, times, languages, prompts, long recordings."""

from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from adapters.contract import stt
from adapters.contract.checks import read
from adapters.contract.engine import Started
from adapters.stt.recognition import SAMPLE_RATE
from adapters.stt.transformers.adapter import TransformersRecogniser
from tests.models import tiny_whisper
from tests.support.recogniser_engine import asking, heard, pipeline_of

QUESTION, LIGHTS, GREETING = tiny_whisper.recordings()


def windows(*recordings: tiny_whisper.Recording) -> Any:
    """The recordings one after the other, each filling what the model hears at once."""
    length = tiny_whisper.WINDOW_SECONDS * SAMPLE_RATE
    return np.concatenate([np.pad(each.samples, (0, length - len(each.samples))) for each in recordings])


@pytest.mark.parametrize("recording", [QUESTION, LIGHTS, GREETING], ids=lambda recording: recording.text)
async def test_words_and_language_are_heard(whisper: TransformersRecogniser, recording: tiny_whisper.Recording) -> None:
    transcript, finished = await heard(whisper, asking(recording.samples))
    assert (transcript.text, transcript.words) == (recording.text, ())
    assert finished.language == recording.language
    assert finished.seconds == pytest.approx(len(recording.samples) / SAMPLE_RATE, abs=1e-4)


@pytest.mark.parametrize("language", ["de", "de-AT", "DE"])
async def test_a_language_that_is_given_is_not_guessed(whisper: TransformersRecogniser, language: str) -> None:
    forced: list[Any] = []
    model = pipeline_of(whisper).model
    tell = model.generate

    def generate(**arguments: Any) -> Any:
        forced.append(arguments.get("language"))
        return tell(**arguments)

    model.generate = generate
    transcript, finished = await heard(whisper, asking(GREETING.samples, language=language))
    assert (transcript.text, finished.language, forced) == (GREETING.text, "de", [["de"]])


async def test_a_prompt_leads_the_spelling_and_a_long_one_is_cut(whisper: TransformersRecogniser) -> None:
    for prompt in (tiny_whisper.PROMPT, "word " * 500):
        transcript, _ = await heard(whisper, asking(QUESTION.samples, prompt=prompt))
        if prompt == tiny_whisper.PROMPT:
            assert transcript.text == tiny_whisper.PROMPTED


@pytest.mark.parametrize("language", ["en", None])
async def test_every_word_has_its_time(whisper: TransformersRecogniser, language: str | None) -> None:
    transcript, finished = await heard(whisper, asking(QUESTION.samples, word_times=True, language=language))
    assert [word.text for word in transcript.words] == QUESTION.text.split() == transcript.text.split()
    times = [time for word in transcript.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] == 0.0  # where the model hears all of its three recordings begin
    assert 0 < times[-1] <= finished.seconds
    assert finished.language == "en"


async def test_audio_longer_than_the_model_hears_at_once(whisper: TransformersRecogniser) -> None:
    said = (QUESTION, LIGHTS, QUESTION)
    expected = " ".join(each.text for each in said)
    transcript, finished = await heard(whisper, asking(windows(*said)))
    assert (transcript.text, finished.language, finished.seconds) == (expected, "en", 12.0)
    transcript, _ = await heard(whisper, asking(windows(*said), word_times=True))
    assert [word.text for word in transcript.words] == expected.split()
    # What is said in each window has times in that window.
    starts = [word.start for word in transcript.words]
    assert [int(start // 4) for start in starts] == [0] * 6 + [1] * 4 + [2] * 6


async def test_the_text_of_each_window_comes_when_it_is_done(whisper: TransformersRecogniser) -> None:
    said = (QUESTION, LIGHTS, QUESTION)
    pipeline = pipeline_of(whisper)
    async with aclosing(whisper.stream(asking(windows(*said)))) as stream:
        partials = [
            (event.stable, pipeline.running) async for event in stream if isinstance(event, stt.PartialTranscript)
        ]
    assert [text for text, _ in partials] == [QUESTION.text, f"{QUESTION.text} {LIGHTS.text}"]
    assert partials[0][1] == 1, "the model is still writing"
    for wanted in ({"word_times": True}, {"segment_times": True}, {"prompt": tiny_whisper.PROMPT}):
        events = await read(whisper.stream(asking(windows(*said), **wanted)))
        beginnings = [event.stable for event in events if isinstance(event, stt.PartialTranscript)]
        assert len(beginnings) == 2
        final = next(event for event in events if isinstance(event, stt.FinalTranscript))
        assert all(final.text.startswith(f"{each} ") for each in beginnings)


async def test_segments_have_times_and_say_how_they_were_made(whisper: TransformersRecogniser) -> None:
    said = (QUESTION, LIGHTS, QUESTION)
    transcript, finished = await heard(whisper, asking(windows(*said), segment_times=True, word_times=True))
    assert [segment.text for segment in transcript.segments] == [each.text for each in said]
    assert [int(segment.start // 4) for segment in transcript.segments] == [0, 1, 2]
    assert all(segment.start < segment.end <= finished.seconds for segment in transcript.segments)
    assert all(segment.tokens and segment.temperature == 0.0 for segment in transcript.segments)
    assert len(transcript.words) == 16
    transcript, finished = await heard(whisper, asking(LIGHTS.samples, segment_times=True))
    (segment,) = transcript.segments
    assert segment.text == LIGHTS.text
    assert segment.compression_ratio == pytest.approx(18 / 26)
    assert segment.end <= finished.seconds
    assert transcript.words == ()


async def test_what_is_too_much_for_a_window_is_heard_again_with_times(whisper: TransformersRecogniser) -> None:
    model = pipeline_of(whisper).model
    generate, room = model.generate, model.config.max_target_positions
    timed: list[bool] = []

    def cramped(**arguments: Any) -> Any:
        timed.append(arguments.get("return_timestamps", False))
        model.config.max_target_positions = room if timed[-1] else 10
        return generate(**arguments)

    model.generate = cramped
    for said in (QUESTION, LIGHTS):
        transcript, _ = await heard(whisper, asking(said.samples))
        assert transcript.text == said.text
    assert timed == [False, True, False], "only where the end is missing"


async def test_translation_and_temperature_reach_the_model(whisper: TransformersRecogniser) -> None:
    model = pipeline_of(whisper).model
    generate = model.generate
    given: list[dict[str, Any]] = []

    def noted(**arguments: Any) -> Any:
        given.append(arguments)
        return generate(**arguments)

    model.generate = noted
    assert whisper.info.translation
    events = await read(whisper.stream(asking(GREETING.samples, translate=True, temperature=0.5, prompt="")))
    assert events[0] == Started()
    assert (given[0]["task"], given[0]["do_sample"], given[0]["temperature"]) == ("translate", True, 0.5)
    await heard(whisper, asking(GREETING.samples, temperature=0.0))
    assert given[1]["task"] == "transcribe"
    assert "do_sample" not in given[1]

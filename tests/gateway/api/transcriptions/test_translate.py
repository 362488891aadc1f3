"""What a request asks of a recogniser, and a transcript as a document."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.audio import TranscriptionVerbose

from adapters.contract import stt
from adapters.contract.errors import Unsupported
from gateway.api.transcriptions.schema import CreateTranscription, CreateTranslation
from gateway.api.transcriptions.translate import Wanted, document, event_of, listed, wanted
from gateway.pipeline.listen import OptionsIgnored, RecognitionOptions, TranscriptFinished

ALL = stt.Info(sample_rate=16_000, word_times=True, segment_times=True, translation=True)
WORDS = stt.Info(sample_rate=16_000, word_times=True)
NOTHING = stt.Info(sample_rate=16_000)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("word", ["word"]),
        ("word,segment", ["word", "segment"]),
        (" word , ", ["word"]),
        (["word", "segment"], ["word", "segment"]),
        (["word,segment"], ["word", "segment"]),
        ('["word"]', '["word"]'),
        ([1, "word"], [1, "word"]),
        (['["word"]'], ['["word"]']),
        ({"a": "b"}, {"a": "b"}),
    ],
)
def test_lists_in_their_spellings(value: Any, expected: Any) -> None:
    values = {"timestamp_granularities": value, "prompt": "word,segment"}
    assert listed(values) == {"timestamp_granularities": expected, "prompt": "word,segment"}


@pytest.mark.parametrize(
    ("fields", "can", "times"),
    [
        ({}, ALL, (False, False)),
        ({"response_format": "text"}, ALL, (False, False)),
        ({"response_format": "verbose_json"}, ALL, (False, True)),
        ({"response_format": "verbose_json"}, WORDS, (False, False)),
        ({"response_format": "verbose_json", "timestamp_granularities": ["word"]}, ALL, (True, False)),
        ({"response_format": "verbose_json", "timestamp_granularities": ["segment"]}, WORDS, (False, True)),
        ({"response_format": "srt"}, ALL, (False, True)),
        ({"response_format": "vtt"}, WORDS, (True, False)),
    ],
)
def test_times_are_asked_for_as_the_format_needs_them(
    fields: dict[str, Any], can: stt.Info, times: tuple[bool, bool]
) -> None:
    asked = wanted(CreateTranscription(**fields), can)
    assert (asked.options.word_times, asked.options.segment_times) == times
    assert asked.response_format == fields.get("response_format", "json")


def test_subtitles_need_times() -> None:
    for request in (CreateTranscription(response_format="vtt"), CreateTranslation(response_format="srt")):
        with pytest.raises(Unsupported, match="--stt"):
            wanted(request, NOTHING)


def test_a_translation_asks_for_english() -> None:
    asked = wanted(CreateTranslation(prompt="", temperature=0.0, response_format="verbose_json"), ALL)
    assert asked.options == RecognitionOptions(temperature=0.0, segment_times=True, translate=True)


def test_what_is_ignored_is_no_event() -> None:
    assert event_of(OptionsIgnored(names=("prompt",))) is None


NUMBERS = st.none() | st.floats(-100, 100)
TIMES = st.floats(0, 10_000)
SEGMENT = st.builds(
    stt.Segment,
    text=st.text(max_size=20),
    start=TIMES,
    end=TIMES,
    tokens=st.lists(st.integers(0, 60_000), max_size=3).map(tuple),
    temperature=NUMBERS,
    avg_logprob=NUMBERS,
    compression_ratio=NUMBERS,
    no_speech_prob=NUMBERS,
)
WORD = st.builds(stt.Word, text=st.text(max_size=8), start=TIMES, end=TIMES)


@given(st.lists(SEGMENT, max_size=3), st.lists(WORD, max_size=3), st.none() | st.sampled_from(["de", "xx", "yue"]))
def test_whatever_the_engine_knows_the_document_is_the_sdks(
    segments: list[stt.Segment], words: list[stt.Word], language: str | None
) -> None:
    heard = TranscriptFinished(text="…", language=language, seconds=3.2, segments=tuple(segments), words=tuple(words))
    options = RecognitionOptions(word_times=True, segment_times=True)
    body = json.loads(document(heard, Wanted(options=options, response_format="verbose_json")))
    read = TranscriptionVerbose.model_validate(body, strict=True)
    assert (len(read.segments or ()), len(read.words or ())) == (len(segments), len(words))
    assert read.language == {"de": "german", "yue": "cantonese"}.get(language or "", "unknown")
    assert read.usage is not None
    assert read.usage.seconds == 4

"""CTC models and models with another decoder than Whisper."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from adapters.contract.checks import read
from adapters.contract.errors import Unsupported
from adapters.stt.recognition import SAMPLE_RATE
from adapters.stt.transformers.chunked import joined, parts
from tests.models import tiny_ctc, tiny_whisper
from tests.support.recogniser_engine import asking, heard, loaded

QUESTION, LIGHTS, GREETING = tiny_whisper.recordings()


async def test_a_ctc_model(tmp_path: Path) -> None:
    tiny_ctc.build_ctc(tmp_path)
    async with loaded(tmp_path) as engine:
        assert (engine.info.languages, engine.info.word_times) == (None, True)
        transcript, finished = await heard(engine, asking(QUESTION.samples, word_times=True, language="de"))
        assert set(transcript.text) == {*tiny_ctc.LETTERS[:2], " "}, "markers leak"
        assert [word.text for word in transcript.words] == transcript.text.split()
        assert all(word.start < word.end <= finished.seconds for word in transcript.words)
        assert finished.language == "de"
        transcript, _ = await heard(engine, asking(QUESTION.samples, segment_times=True))
        assert " ".join(segment.text for segment in transcript.segments) == transcript.text
        assert transcript.words == ()
        events = await read(
            engine.stream(asking(np.tile(QUESTION.samples, 20), prompt="x", temperature=0.5, word_times=True))
        )
        assert events[0].ignored == ("prompt", "temperature")
        heard_words = events[-2].words
        assert 35 < heard_words[-1].end <= events[-1].seconds, "a long recording is heard to its end"
        assert all(one.start <= other.start for one, other in pairwise(heard_words)), "times count from its beginning"
        stable = [event.stable for event in events[1:-2]]
        assert len(stable) == 1, "39 s are heard in two parts"
        assert stable[0]
        assert events[-2].text.startswith(f"{stable[0]} ")


def test_a_long_recording_is_cut_where_it_is_quietest() -> None:
    loud = np.ones(100 * SAMPLE_RATE, np.float32)
    for quiet in (27.0, 55.0, 84.5):
        loud[round((quiet - 0.1) * SAMPLE_RATE) : round((quiet + 0.1) * SAMPLE_RATE)] = 0.01
    cuts = [end / SAMPLE_RATE for _, end in parts(loud)]
    assert cuts == pytest.approx([27.0, 55.0, 84.5, 100.0], abs=0.1)
    assert [start for start, _ in parts(loud)] == [0, *(end for _, end in parts(loud))][:-1], "nothing is left out"


@pytest.mark.parametrize(("seconds", "count"), [(0.5, 1), (30.0, 1), (30.001, 2), (600.0, 24)])
def test_no_part_is_too_long_or_too_short(seconds: float, count: int) -> None:
    found = [(end - start) / SAMPLE_RATE for start, end in parts(np.ones(round(seconds * SAMPLE_RATE), np.float32))]
    assert len(found) == count
    assert sum(found) == pytest.approx(seconds, abs=1e-3)
    assert max(found) <= 30
    assert min(found) >= min(seconds, 1)


async def test_another_model_with_a_decoder(tmp_path: Path) -> None:
    tiny_ctc.build_seq2seq(tmp_path)
    async with loaded(tmp_path) as engine:
        transcript, _ = await heard(engine, asking(QUESTION.samples))
        twice, _ = await heard(engine, asking(np.tile(QUESTION.samples, 20)))
        assert len(twice.text.split()) == 2 * len(transcript.text.split()) == 8, "39 s are heard in two parts"
        events = await read(engine.stream(asking(np.tile(QUESTION.samples, 20))))
        assert [event.stable for event in events[1:-2]] == [" ".join(twice.text.split()[:4])]
        with pytest.raises(Unsupported, match="gives no word times"):
            await heard(engine, asking(QUESTION.samples, word_times=True))
        with pytest.raises(Unsupported, match="does not translate"):
            await heard(engine, asking(QUESTION.samples, translate=True))
        started, *_ = await read(engine.stream(asking(QUESTION.samples, temperature=0.5)))
        assert started.ignored == ()


@pytest.mark.parametrize(
    ("text", "more", "whole"),
    [
        ("what is", "the capital", "what is the capital"),
        ("", "first", "first"),
        ("said", "", "said"),
        ("今日は", "晴れです", "今日は晴れです"),
        ("สวัสดี", "ครับ", "สวัสดีครับ"),
        ("오늘은", "맑습니다", "오늘은 맑습니다"),
    ],
)
def test_parts_are_joined_as_their_language_is_written(text: str, more: str, whole: str) -> None:
    assert joined(text, more) == whole

"""Utterances joined are one stream: the pause that the text asks for, no doubled silence, no click."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gateway.pipeline.utterance_joins import CLAUSE_SECONDS, SENTENCE_SECONDS, UtteranceJoins

RATE = 24_000
TONE = np.full(RATE // 10, 8000, "<i2")
"""A sound that neither rises nor falls: every bare join of it is a click."""


def silence(seconds: float) -> NDArray[np.int16]:
    return np.zeros(round(seconds * RATE), "<i2")


def joined(*utterances: tuple[str, NDArray[np.int16]], speed: float = 1.0, block: int = 960) -> NDArray[np.int16]:
    joins, out = UtteranceJoins(RATE, speed), b""
    for text, samples in utterances:
        out += joins.pause()
        for start in range(0, len(samples), block):
            out += joins.feed(samples[start : start + block].tobytes())
        joins.end(text)
    return np.frombuffer(out, "<i2")


def pause_in(samples: NDArray[np.int16]) -> float:
    """Seconds of the longest silence between two sounds."""
    return float(np.diff(np.flatnonzero(np.abs(samples) > 100)).max()) / RATE


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Hello.", SENTENCE_SECONDS),
        ("„Hallo!“", SENTENCE_SECONDS),
        ("你好。", SENTENCE_SECONDS),
        ("Well,", CLAUSE_SECONDS),
    ],
)
def test_the_text_asks_for_a_pause(text: str, seconds: float) -> None:
    assert pause_in(joined((text, TONE), ("Bye.", TONE))) == pytest.approx(seconds, abs=0.003)
    assert pause_in(joined((text, TONE), ("Bye.", TONE), speed=2.0)) == pytest.approx(seconds / 2, abs=0.003)


def test_words_in_the_middle_of_a_sentence_follow_at_once() -> None:
    samples = joined(("one two", TONE), ("three", TONE))
    assert len(samples) <= 2 * len(TONE) + 0.003 * RATE


@pytest.mark.parametrize(("tail", "lead"), [(0.5, 0.2), (0.2, 0.5), (0.4, 0.4), (0.1, 0.1), (0.0, 0.5)])
def test_silence_of_two_utterances_is_not_doubled(tail: float, lead: float) -> None:
    first, second = np.concatenate([TONE, silence(tail)]), np.concatenate([silence(lead), TONE])
    assert pause_in(joined(("One.", first), ("Two.", second))) == pytest.approx(max(tail, lead, 0.3), abs=0.003)


def test_no_join_clicks() -> None:
    samples = joined(("One.", TONE), ("two", TONE), ("three,", TONE), ("four", TONE)).astype(int)
    assert np.abs(np.diff(samples)).max() < 8000 / 40, "a step of the wave is heard as a click"


def test_one_utterance_is_as_the_engine_made_it_but_for_its_first_instant() -> None:
    samples = np.concatenate([silence(0.2), TONE, silence(0.7)])
    assert np.array_equal(joined(("Hello.", samples)), samples)


@given(st.lists(st.lists(st.integers(-32_768, 32_767), max_size=200), max_size=4), st.integers(1, 50))
def test_nothing_but_silence_is_ever_left_out(utterances: list[list[int]], block: int) -> None:
    arrays = [("word", np.array(samples, "<i2")) for samples in utterances]
    total = sum(np.count_nonzero(np.abs(samples.astype(int)) > 100) for _, samples in arrays)
    out = joined(*arrays, block=block)
    assert len(out) >= total

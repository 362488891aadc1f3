"""What the decoder is given at once, and its segments as words."""

import numpy as np
import pytest

from adapters.contract import stt
from adapters.stt.pocketsphinx.decoder import SAMPLE_RATE, is_silent, parts, spoken_words


def test_segments_lose_what_is_not_a_word() -> None:
    segments = [
        ("<s>", 0, 9),
        ("[NOISE]", 10, 19),
        ("a(2)", 20, 29),
        ("<sil>", 30, 34),
        ("dragon", 35, 79),
        ("</s>", 80, 81),
    ]
    assert spoken_words(segments, 100, 2.0) == [
        stt.Word(text="a", start=2.2, end=2.3),
        stt.Word(text="dragon", start=2.35, end=2.8),
    ]


def test_a_long_recording_is_cut_in_the_middle_of_its_pauses() -> None:
    samples = np.random.default_rng(0).normal(0, 3000, 45 * SAMPLE_RATE).astype("<i2")
    for second in (3, 12, 14, 31):
        samples[second * SAMPLE_RATE : int((second + 0.5) * SAMPLE_RATE)] //= 100 if second != 12 else 10
    pcm = samples.tobytes()
    found = list(parts(pcm + b"x"))
    assert b"".join(found) == pcm, "nothing is lost, but half a sample"
    ends = np.cumsum([len(part) / 2 / SAMPLE_RATE for part in found])
    assert ends == pytest.approx([14.25, 31.25, 45.0], abs=0.1), "the quietest pause, not the first"


@pytest.mark.parametrize(("seconds", "count"), [(0.0, 0), (0.09, 0), (0.1, 1), (20.0, 1), (20.01, 2)])
def test_how_many_parts_there_are(seconds: float, count: int) -> None:
    assert len(list(parts(bytes(round(seconds * SAMPLE_RATE) * 2)))) == count


@pytest.mark.parametrize(("level", "silent"), [(0, True), (30, True), (31, False), (-32_768, False)])
def test_what_is_silent(level: int, silent: bool) -> None:
    assert is_silent(bytes(200) + level.to_bytes(2, "little", signed=True)) is silent

"""Text without shape costs no more per character than any other, whole or as it streams, and is given out in pieces.

Segmentation is measured by counting the calls that it makes, of Python functions and of C functions, and what it holds
back: both are the same on every machine. The work inside the regular expressions of normalization cannot be counted, so
its processor time for a text eight times as long is compared: linear is 8 times, quadratic 64, and the bound between.
"""

import random
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from gateway.text.normalization.normalizer import Normalizer, ReadingOptions
from gateway.text.segmentation.length_limit import LONGEST_UTTERANCE, divided
from gateway.text.segmentation.segmenter import LONGEST_PIECE, SentenceSegmenter
from tests.gateway.text.normalization.spoken_text import READS_NUMBERS, spoken

UNITS = [
    "7 ", "01 ", "1,", "1.", "1-", "1/", "1:", "1–", "5%", "5°", "5km", "5 km ", "$1", "1st ", "v1.2 ", "½ ", "10:30 ",
    "3.10.2026 ", "+49 ", "(555) ", "2024-10-03 ", "'80s ", "5'10\" ", "1e5 ", "5h 3m ", "$5/x ", "\\sqrt{", "$\\sqrt{",
    "\\(", "\\[", "$a", "x^", "²", "√", "± ", "-", "—", "(", "[", "[](", "![", "[^", "[a][", "【1", "<", "<a ", "*",
    "**a", "_", "~", "~~~\n", "`", "`x ", "``", "```\n", "\\", "|", "| x. ", "|a|\n", "# ", "&amp", "a@", "a.", "U.S.",
    "i.e.:", "s'", "a-", "a/", "a=", "http://", "www.a", "a", "A. ", "1. ", "No. ", "Dr. ", "! ", "? »", ". ", "?",
    "\n", "\t", " ", "> ", "- ", "II ", "Mon–", "и т. д. ", "א", "你", "か", "ก ", "เก", "ក្", "۔", "😀", "👩\u200d",
    "\u0301", "\u200b", "①", "\x00",
]  # fmt: skip
HELD_BACK = LONGEST_PIECE + 800
"""Characters: a piece, and the longest link or code span that may follow it."""


def digits_with_spaces(length: int) -> str:
    draw = random.Random(5)
    return "".join(f"{draw.randrange(10 ** draw.randrange(1, 6))} " for _ in range(length))[:length]


def repeated(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def calls(run: Callable[[], object]) -> int:
    """How many functions ``run`` calls."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def streamed(text: str) -> list[str]:
    """One character at a time, and at every fourth the deadline strikes."""
    segmenter, pieces = SentenceSegmenter(first_clause=True), []
    for index, character in enumerate(text):
        pieces += segmenter.feed(character)
        if index % 4 == 0:
            pieces.append(segmenter.take_phrase() or "")
    return pieces + segmenter.finish()


def at_once(text: str) -> list[str]:
    segmenter = SentenceSegmenter(first_clause=True)
    return segmenter.feed(text) + segmenter.finish()


@pytest.mark.parametrize("segment", [at_once, streamed])
@pytest.mark.parametrize("unit", [*UNITS, ""])
def test_segmentation_works_no_more_for_a_longer_text(unit: str, segment: Callable[[str], list[str]]) -> None:
    short, long = (repeated(unit, n) if unit else digits_with_spaces(n) for n in (1_200, 4_800))
    few, many = calls(lambda: segment(short)), calls(lambda: segment(long))
    assert many <= 5 * few
    assert many <= 200 * len(long)


@pytest.mark.parametrize("unit", UNITS)
def test_pieces_and_what_is_held_back_are_bounded(unit: str) -> None:
    text = repeated(unit, 4_000)
    segmenter, given = SentenceSegmenter(), 0
    for position, character in enumerate(text, 1):
        pieces = segmenter.feed(character)
        given += sum(map(len, pieces))
        assert max(map(len, pieces), default=0) <= LONGEST_PIECE
        assert position - given <= HELD_BACK
    assert given + sum(map(len, segmenter.finish())) == len(text)
    assert max(map(len, at_once(text))) <= LONGEST_PIECE


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("unit", UNITS)
def test_normalization_takes_a_time_that_grows_with_the_text(unit: str, language: str) -> None:
    def seconds(length: int) -> float:
        text = f"a{repeated(unit, length)}b"
        taken = []
        for _ in range(2):
            normalizer = Normalizer(ReadingOptions(), language, READS_NUMBERS)
            begin = time.process_time()
            normalizer.normalize(text)
            taken.append(time.process_time() - begin)
        return min(taken)

    seconds(100)  # compiles the patterns
    assert seconds(8 * LONGEST_PIECE) <= 30 * seconds(LONGEST_PIECE) + 0.01


@pytest.mark.parametrize("unit", UNITS)
def test_an_engine_gets_no_more_than_it_can_take(unit: str) -> None:
    said = spoken(repeated(unit, LONGEST_PIECE))
    parts = divided(said)
    assert max(map(len, parts), default=0) <= LONGEST_UTTERANCE
    assert "".join("".join(parts).split()) == "".join(said.split())

"""Whatever a model writes, however it arrives: nothing is lost on the way, and what is spoken is clean."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.text.normalization.normalizer import Normalizer, ReadingOptions
from gateway.text.segmentation.length_limit import LONGEST_UTTERANCE, divided
from gateway.text.segmentation.segmenter import LONGEST_PIECE, SentenceSegmenter
from tests.gateway.text.normalization.spoken_text import READS_ALL, READS_NOTHING, READS_NUMBERS
from tests.gateway.text.normalization.test_characters import LANGUAGES
from tests.gateway.text.test_hostile_text import UNITS

WORDS = [
    "Paris",
    "the",
    "Dr. Smith",
    "2h 30m",
    "$5/month",
    "9/11/2001",
    "½ cup",
    "20～30",
    "Mo.–Fr.",
    "你好。",
    "สวัสดี",
    "x²",
]
MATERIAL = st.lists(st.text(max_size=8) | st.sampled_from(UNITS) | st.sampled_from(WORDS), max_size=40).map("".join)
CUTS = st.lists(st.integers(0, 300), max_size=8)


@settings(derandomize=True, max_examples=250, deadline=None)
@given(MATERIAL, CUTS, st.sampled_from([None, *LANGUAGES]), st.sampled_from([READS_NOTHING, READS_NUMBERS, READS_ALL]))
def test_any_text_is_segmented_and_spoken(text, cuts, language, engine) -> None:  # type: ignore[no-untyped-def]
    segmenter, pieces, start = SentenceSegmenter(first_clause=True), [], 0
    for cut in sorted(min(cut, len(text)) for cut in cuts):
        pieces += segmenter.feed(text[start:cut])
        start = cut
    pieces += segmenter.feed(text[start:]) + segmenter.finish()
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= LONGEST_PIECE for piece in pieces)
    normalizer = Normalizer(ReadingOptions(code="read"), language, engine)
    for piece in pieces:
        said = normalizer.normalize(piece)
        assert said == " ".join(said.split())
        assert {unicodedata.category(character) for character in said} & {"Cc", "Cs", "Co", "Cn"} == set()
        assert {character for character in said if unicodedata.category(character) == "Cf"} <= {"\u200c", "\u200d"}
        assert all(len(part) <= LONGEST_UTTERANCE for part in divided(said))


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(max_size=300), st.integers(1, 40))
def test_a_limited_text_loses_nothing(text: str, longest: int) -> None:
    parts = divided(text, longest)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(part == part.strip() and 0 < len(part) <= longest for part in parts)

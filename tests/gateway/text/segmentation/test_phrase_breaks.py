"""Where a deadline cuts a sentence that is still being written, what is said stays what the whole would have been."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import tts
from gateway.text.normalization.normalizer import Normalizer, ReadingOptions
from gateway.text.segmentation.segmenter import SentenceSegmenter

DIGITS = tts.Info(sample_rate=8_000, voices=("v",), default_voice="v", reads=frozenset({"numbers"}))

TEXTS = [
    ("en", "Well, it is about 5 km from here to Main St. and costs $ 5 or maybe € 5.50 for two people."),
    ("en", "We meet on October 3, 2026, at 10:30 a.m. in room 5, on May 10 – 12, or from 3 – 5 days later, I think."),
    ("en", "Ask Dr. Smith or Mr. Jones, e.g. the one of the U.S. Army who saw World War II, for No. 5 & No. 6."),
    ("en", "This is **bold text here** and *one more* of [the link here](https://x.y/a?b=c d), and `some code`."),
    ("en", "Write to me.you@example.com or see https://www.example.com/a?b=1 if you want, please, to know it."),
    ("en", "So $E = m c^2$ holds and $f(a, b) = c$ too, while \\(x + y\\) and <a href='x' title='y z'>it</a> do not."),
    ("en", "Call (555) 123-4567 or +49 30 123456 now, it is 2 + 2 = 4 and 10 - 3 = 7, a → b, 1/2 of 2½ or 5' 10\"."),
    ("en", "- **One item here:** it has 5 m² and 20 °C\n- | a cell | and 5 km | here |\n1. Another one, with 3 of it"),
    ("de", "Das war am 3. Oktober 2026 um 10:30 Uhr, z. B. im 19. Jahrhundert, d. h. für 5 Mio. € oder 3 Mrd. Euro."),
    ("de", "Vom 10. – 12. Mai sind 1984 Leute in St. Pauli, Nr. 5, und es sind 3,5 km bis § 3, S. 12, mit Dr. Müller."),
    ("fr", "Le 1er mai 2026 à 10 h 30, il y a 1 234 € et 5 millions €, p. ex. chez M. Dupont, n° 5, à 20 °C."),
    ("es", "El 3 de octubre de 2026 a las 10:30 hay 5 km, p. ej. en EE. UU., y el Sr. López paga 5 millones € hoy."),
    ("zh", "我们在10:30见面，大约5km，然后看[维基 百科](https://x.y/z)，一共12个，50%，完成。"),
    ("ja", "約5kmです、2026-10-03の10:30に、東京タワーで会いましょう、50%です。"),
    ("ru", "Это 5 км, 20 % и 100 ₽, т. е. в г. Москва, д. 5, у И. И. Иванова, 3 октября 2026 года."),
    ("ru", "Он жил в 1999 г. тут, а 23 ноября 2026 г. там, в 1941–1945 гг. и 23.11.2026 г. его не было, в 15:05 тоже."),
    ("hi", "यह 5 km दूर है, 50% और ₹500, क्‍षमा करें, और यह एक लंबा वाक्य है।"),
]


def words(pieces: list[str], language: str) -> list[str]:
    speaking = Normalizer(ReadingOptions(), language, DIGITS)
    return re.findall(r"[^\W_]+", " ".join(speaking.normalize(piece) for piece in pieces))


@pytest.mark.parametrize(("language", "text"), TEXTS, ids=lambda value: value[:30])
@pytest.mark.parametrize("first_clause", [False, True])
def test_cut_at_every_word_the_same_is_said(language: str, text: str, first_clause: bool) -> None:
    """At each character the deadline strikes: the shortest pieces that can come."""
    splitter = SentenceSegmenter(first_clause=first_clause)
    pieces: list[str] = []
    for character in text:
        pieces += [*splitter.feed(character), splitter.take_phrase() or ""]
    pieces += splitter.finish()
    assert "".join(pieces) == text
    assert spelled(words(pieces, language)) == spelled(words([text], language))


def spelled(said: list[str]) -> str:
    """Without the spaces, that do not part words in every script."""
    return "".join(said)


@given(st.sampled_from(TEXTS), st.lists(st.integers(0, 120), max_size=12))
def test_cut_anywhere_the_same_is_said(case: tuple[str, str], cuts: list[int]) -> None:
    language, text = case
    splitter, pieces, start = SentenceSegmenter(first_clause=True), [], 0
    for cut in sorted(cuts):
        pieces += [*splitter.feed(text[start:cut]), splitter.take_phrase() or ""]
        start = max(start, cut)
    pieces += [*splitter.feed(text[start:]), *splitter.finish()]
    assert spelled(words(pieces, language)) == spelled(words([text], language))

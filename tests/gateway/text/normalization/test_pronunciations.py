"""The pronunciation dictionary changes whole words, and nothing else."""

import pytest

from adapters.contract import tts
from gateway.text.normalization.normalizer import Normalizer, ReadingOptions
from gateway.text.normalization.pronunciations import PronunciationLexicon, unusable_entries

PLAIN = tts.Info(sample_rate=8_000, voices=("v",), default_voice="v", reads=frozenset({"numbers"}))
PHONETIC = tts.Info(sample_rate=8_000, voices=("v",), default_voice="v", phonemes=True)


def normalized(text: str, entries: dict[str, str], info: tts.Info = PLAIN) -> str:
    return Normalizer(ReadingOptions(pronunciations=entries), "en", info).normalize(text)


@pytest.mark.parametrize(
    ("entries", "written", "said"),
    [
        ({"sql": "sequel"}, "SQL, sql and mysql sqlite", "sequel, sequel and mysql sqlite"),
        ({"US": "U S"}, "US, us", "U S, us"),
        ({"new york": "noo yawk", "york": "yawk"}, "New York and York", "noo yawk and yawk"),
        ({"c++": "see plus plus", "a.b": "x"}, "C++ a.b aXb", "see plus plus x aXb"),
        ({"km": "clicks"}, "5 km", "5 clicks"),
        ({"कर": "X"}, "कर करना कार", "X करना कार"),
        ({"東京": "とうきょう"}, "私は東京に", "私はとうきょうに"),
        ({"\\d": "x", "(": "y"}, "5 (a)", "5 ya)"),
        ({"um": ""}, "well um yes", "well yes"),
        ({"dr": "drive"}, "**dr** x", "drive x"),
        ({"i": "eye"}, "I İ", "eye eye"),
    ],
)
def test_words_are_replaced(entries: dict[str, str], written: str, said: str) -> None:
    assert normalized(written, entries) == said


def test_what_an_entry_says_is_not_rewritten() -> None:
    assert normalized("x", {"x": "5 km & co_co *a*"}) == "5 km & co_co *a*"


def test_phonemes_reach_only_an_engine_that_takes_them() -> None:
    entries = {"gif": "[[dZIf]]", "png": "ping"}
    assert normalized("a gif, png", entries, PHONETIC) == "a [[dZIf]], ping"
    assert normalized("a gif, png", entries) == "a gif, ping"
    assert unusable_entries(entries, PLAIN) == ("gif",)
    assert unusable_entries(entries, PHONETIC) == ()


def test_what_the_model_writes_is_never_phonemes() -> None:
    assert "[[" not in normalized("[[h@l@U]] [[[gif]]] [gif]", {"gif": "x"}, PHONETIC)


def test_a_full_dictionary_is_read_in_linear_time() -> None:
    entries = {f"word{number}": "x" for number in range(1000)}
    assert PronunciationLexicon(entries, PLAIN).apply("word5 " * 2_000, str) == "x " * 2_000

"""No character joins its neighbours or changes what they mean, and compatibility forms are read as plain ones."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.text.normalization import locale
from gateway.text.normalization.characters import fold
from tests.gateway.text.normalization.spoken_text import READS_NUMBERS, spoken

LANGUAGES = sorted(path.stem for path in Path(locale.__file__).parent.glob("locales/*.toml"))
INSIDE_WORDS = "\u00ad\u180e\u200c\u200d\u200e\u200f\u2060\u061c\ufeff"
"""Invisible in a word: soft hyphen, joiners, direction marks, byte order mark."""


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("20～30 seconds", "20~30 seconds"),
        ("1⁄2 and 1∕2", "1/2 and 1/2"),
        ("3∶1 and １０：３０", "3:1 and 10:30"),
        ("１，０００．５", "1,000.5"),
        ("ＡＢＣ１２３ １００％ ＋５ ＝ ＄５ ￥５ ￡５", "ABC123 100% +5 = $5 ¥5 £5"),
        ("你好！（好）：是，。", "你好！（好）：是，。"),
        ("ｶﾞｷﾞ｡", "ガギ。"),
        ("𝐁𝐨𝐥𝐝 𝟏𝟐 ℝ ﬁre", "Bold 12 R fire"),
        ("ﺍﻟﺴﻼﻡ", "السلام"),
        ("Paris➡London A⇒B", "Paris → London A → B"),
        ("①first ②second ⓪ ❸", " 1 first  2 second  0   3 "),
        ("Chapter Ⅳ, ⅩⅣ", "Chapter  4 ,  14 "),
        ("20℃ 5㎏ 3㎡ 9㎧", "20°C  5 kg  3 m²  9 m/s "),
        ("20ºC, 5 º F", "20°C, 5 °F"),
        ("5 μm μας", "5 µm μας"),
        ("H₂O log₂8", "H2O log2 8"),
        ("the 4ᵗʰ", "the 4th"),
        ("hello🙂world 5🙂6 (🙂) ok🙂! 20🙂.5", "hello world 5 6 () ok! 20 .5"),
        ("1️⃣2️⃣ ❤️!", "1 2 !"),
        ("soft\u00adhyphen 20\u00ad30", "softhyphen 20 30"),
        ("a\u200bb ก\u200bข 20\u200b30", "a b กข 20 30"),
        ("\u202aabc\u202c \u2068x\u2069", "abc x"),
        ("क्\u200dष می\u200cخواهم", "क्\u200dष می\u200cخواهم"),
        ("x\x00y\x07z\ue000w", "x y z w"),
        ("x\ud800y", "x y"),
        ("ですね～！ 20〜30", "ですね！ 20~30"),
        ("‐‑‒―", "--–—"),
        ("a • b † c", "a  ,  b  c"),
    ],
)
def test_compatibility_forms_become_plain(written: str, folded: str) -> None:
    assert fold(written) == folded


def test_no_character_of_unicode_joins_its_neighbours() -> None:
    unassigned = {"Cn", "Co", "Cs"}
    for first in range(0, 0x110000, 0x400):
        block = [chr(code) for code in range(first, first + 0x400) if unicodedata.category(chr(code))[0] != "M"]
        block = [each for each in block if unicodedata.category(each) not in unassigned or ord(each) % 61 == 0]
        folded = fold("\n".join(f"20{each}30 \n ab{each}cd " for each in block))
        numbers, words = "2030" in folded, fold("\n".join(f"ab{each}cd" for each in block if each not in INSIDE_WORDS))
        assert not numbers, f"a character from U+{first:04X} on"
        assert "abcd" not in words, f"a character from U+{first:04X} on"
        assert not {"Cc", *unassigned} & {unicodedata.category(each) for each in set(folded) - {"\n"}}


def signs() -> Iterator[str]:
    """Every assigned character that is no letter, mark or decimal digit."""
    for character in map(chr, range(0x110000)):
        if (
            unicodedata.category(character) not in {"Cn", "Co", "Cs", "Nd"}
            and unicodedata.category(character)[0] not in "LM"
        ):
            yield character


def assert_kept_apart(character: str, said: str, language: str | None) -> None:
    where = f"{language} U+{ord(character):04X}: {said}"
    said = said.replace(character, " ") if character.isnumeric() else said
    numbers = re.findall(r"\d+(?:[.,]\d+)*", said)
    assert re.search(r"[A-Za-z]30|20[A-Za-z]", said) is None, where
    assert numbers in (["20.30"], ["20,30"]) or (numbers[0], numbers[-1]) == ("20", "30"), where


def test_no_sign_between_two_numbers_joins_them_in_english() -> None:
    for character in signs():
        assert_kept_apart(character, spoken(f"20{character}30"), "en")


def test_no_sign_between_two_words_joins_them_in_english() -> None:
    for character in signs():
        said = spoken(f"Paris{character}London")
        parted = re.search(r"Paris(?![^\W\d_]).*(?<![^\W\d_])London", said)
        assert parted or character in INSIDE_WORDS or character.isnumeric(), f"U+{ord(character):04X}: {said}"


KINDS = list({fold(f"20{character}30"): character for character in signs()}.values())
"""One sign for each way in which a sign is folded; what follows depends on nothing else."""


@pytest.mark.parametrize("language", [None, *LANGUAGES])
def test_no_sign_joins_two_numbers_in_any_language(language: str | None) -> None:
    for character in KINDS:
        if not character.isnumeric() or language == "en":
            assert_kept_apart(character, spoken(f"20{character}30", language), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_full_width_sign_is_read_as_its_twin(language: str) -> None:
    for code in range(0x21, 0x7F):
        twin = chr(code)
        if twin in "!(),.:;?[]{}" or twin in "`_*#<>|\\~\"'":
            continue  # punctuation of its own in East Asian text; markup
        wide = chr(code + 0xFEE0)
        for text in ("5{} 6", "x {} y", "5 {} 6", "{}5", "5{}"):
            assert spoken(text.format(wide), language) == spoken(text.format(twin), language), text.format(wide)


def test_an_engine_is_never_given_a_pictograph() -> None:
    said = spoken("Great 😀👍🏽 👨‍👩‍👧 ❤️! 🇫🇷 ▓ ✓ ☀", None, READS_NUMBERS)
    assert said == "Great!"

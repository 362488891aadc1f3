"""Word boundaries, in scripts with and without spaces, and boundaries between characters as a reader sees them."""

import re
import unicodedata

from gateway.text.segmentation import punctuation

_CLINGS_TO_PREVIOUS = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮーｰ々〻")
_SYLLABLE_FIRST = re.compile("[เแโใไເແໂໃໄ]")
_THAI_OR_LAO = re.compile("[\u0e00-\u0eff]")
_SYLLABLE_LAST = frozenset("ะๆฯะໆຯ์")
_HIRAGANA = re.compile("[\u3041-\u309f]")
_KATAKANA = re.compile("[\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_VIRAMA = 9
_LONGEST_GRAPHEME = 64
"""The most code points of one grapheme cluster that are kept together."""

_KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_ZERO_WIDTH_SPACE = "\u200b"


def is_word_boundary(before: str, after: str) -> bool:
    """Whether a word ends between ``before`` (a few characters suffice) and the character ``after``.

    Chinese has no marks for words: any place between two Han characters counts. In Japanese, which is recognised by
    kana nearby, a place between two kanji does not count. Thai and Lao syllables are found by vowels that are written
    first and by signs that are written last. Khmer, Burmese and Tibetan have boundaries at spaces only.
    """
    last = before[-1]
    if after.isspace():
        return not last.isspace()
    if last == _ZERO_WIDTH_SPACE:
        return after.isalnum()
    if (
        not punctuation.UNSPACED.match(last)
        or after in _CLINGS_TO_PREVIOUS
        or not after.isalnum()
        or not last.isprintable()
    ):
        return False
    if _THAI_OR_LAO.match(last):
        return not _SYLLABLE_FIRST.match(last) and bool(_SYLLABLE_FIRST.match(after) or last in _SYLLABLE_LAST)
    if not punctuation.IDEOGRAPH.match(last) or _HIRAGANA.match(after):
        return False
    if _KATAKANA.match(last):
        return not _KATAKANA.match(after)
    kanji = not _HIRAGANA.match(last) and punctuation.IDEOGRAPH.match(after) and not _KATAKANA.match(after)
    return not kanji or not _KANA.search(before)


def grapheme_end(text: str, end: int) -> int:
    """The last index up to ``end`` that is not inside a grapheme cluster; ``end`` itself if the cluster is too long."""
    for index in range(end, max(0, end - _LONGEST_GRAPHEME), -1):
        if index >= len(text) or not splits_grapheme(text[index - 1], text[index]):
            return index
    return end


def splits_grapheme(before: str, after: str) -> bool:
    """Whether both are part of one grapheme cluster or conjunct (UAX #29), except flags and Hangul jamo."""
    if after in {"\u200c", "\u200d"} or before == "\u200d" or unicodedata.combining(before) == _VIRAMA:
        return True
    return unicodedata.category(after) in {"Mn", "Mc", "Me"} or "\U0001f3fb" <= after <= "\U0001f3ff"

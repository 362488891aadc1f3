"""Where text may be cut between words when no sentence has ended, in scripts with spaces and without."""

import re
import unicodedata

from gateway.text import marks

_CLINGS_TO_PREVIOUS = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮーｰ々〻")
_SYLLABLE_FIRST = re.compile("[เแโใไເແໂໃໄ]")
_THAI_OR_LAO = re.compile("[\u0e00-\u0eff]")
_SYLLABLE_LAST = frozenset("ะๆฯะໆຯ์")
_HIRAGANA = re.compile("[\u3041-\u309f]")
_KATAKANA = re.compile("[\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_VIRAMA = 9
_KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_ZERO_WIDTH_SPACE = "\u200b"


def separable(before: str, after: str) -> bool:
    """Whether text may be cut behind ``before``, of whose end a few characters will do, and in front of ``after``.

    No word, number or character is broken where it shows. Between two Chinese characters that is only likely; Japanese
    words, told by kana close by, do not end between two kanji. In Thai and Lao the vowels written first, and a few
    signs written last, show syllables; Khmer, Burmese and Tibetan are cut at spaces: nothing else shows their words.
    """
    last = before[-1]
    if after.isspace():
        return not last.isspace()
    if last == _ZERO_WIDTH_SPACE:
        return after.isalnum()
    if not marks.UNSPACED.match(last) or after in _CLINGS_TO_PREVIOUS or not after.isalnum() or not last.isprintable():
        return False
    if _THAI_OR_LAO.match(last):
        return not _SYLLABLE_FIRST.match(last) and bool(_SYLLABLE_FIRST.match(after) or last in _SYLLABLE_LAST)
    if not marks.IDEOGRAPH.match(last) or _HIRAGANA.match(after):
        return False
    if _KATAKANA.match(last):
        return not _KATAKANA.match(after)
    kanji = not _HIRAGANA.match(last) and marks.IDEOGRAPH.match(after) and not _KATAKANA.match(after)
    return not kanji or not _KANA.search(before)


def breaks_character(before: str, after: str) -> bool:
    """Whether the two are read as one character: UAX #29's clusters and conjuncts, less flags and Hangul's letters."""
    if after in {"\u200c", "\u200d"} or before == "\u200d" or unicodedata.combining(before) == _VIRAMA:
        return True
    return unicodedata.category(after) in {"Mn", "Mc", "Me"} or "\U0001f3fb" <= after <= "\U0001f3ff"

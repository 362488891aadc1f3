"""Whether a full stop before white space ends a sentence or belongs to an abbreviation, an initial or a number."""

import re
import unicodedata
from collections.abc import Callable

from gateway.text import abbreviations
from gateway.text.window import Word

LOOK_BEHIND = 48
"""Characters before the full stop that matter."""

_OPENERS = "([{<\"'“‘«„¿¡*_~-–—>#/"
LIST_MARKER = re.compile(r"[\s>#*_(–•-]*(?:\d{1,3}(?:\.\d{1,3}){0,3}|[a-zA-Z]|[ivxIVX]{1,4})")
"""All that is before the full stop in a piece that it numbers, or that answers "2 + 3?" with "5. Five, that is."."""

_DOTTED = re.compile(r"[^\W\d_]\.(?:-?[^\W\d_]{1,3}\.)*-?[^\W\d_]{0,3}")
_ROMAN = re.compile(r"[IVXLCDM]+")
_DAY_OR_MONTH = re.compile(r"\d{1,2}\.")
_YEAR_AND_MONTH = re.compile(r"\d{4}\. \d{1,2}\.")
_INITIALS_OF_ONE_CASE = re.compile("[\u0531-\u0556\u05d0-\u05ea\u0620-\u064a\u10d0-\u10ff]")
_UNIT = re.compile("hr|dl|см")
_ELISION = re.compile(r"^[^\W\d_]{1,5}['’](?=[^\W\d_])")
_THAI = re.compile("[\u0e01-\u0e4e]")


def ends_sentence(before: str, next_word: Callable[[], Word]) -> bool:
    """Whether the full stop after ``before``, with white space and no lower case letter behind, ends a sentence.

    ``next_word`` is only called where the next word decides: it may not have come yet.
    """
    *previous, word = [part.lstrip(_OPENERS) for part in before.split()[-4:]] or [""]
    if word.isdigit():
        return _number_ends(word, previous[-2:], next_word)
    word = _ELISION.sub("", word)
    before_word = previous[-1] if previous else ""
    after_number = before_word[-1:].isdigit()
    if after_number and _UNIT.fullmatch(word):
        return True
    keys = _spellings(previous, word)
    if keys & abbreviations.NEVER_LAST or _THAI.fullmatch(word[-1:]):
        return False
    if f"{before_word} {word}".casefold() in abbreviations.PAIRS_NEVER_LAST:
        return False
    if keys & abbreviations.BEFORE_NUMBER and not after_number and _is_number(next_word().text):
        return False
    if word in abbreviations.NUMBERED_PARTS and _is_number(next_word().text):
        return False
    if keys & abbreviations.HALVES_OF_THE_DAY:
        return next_word().text not in abbreviations.TIME_ZONES
    if len(word) == 1 and _is_initial(next_word()):
        return False
    if word in abbreviations.TITLE_LETTERS and not before_word.endswith("."):
        return after_number and (word.isascii() or _opens_sentence(next_word()))
    first_numeral = not before_word and bool(_ROMAN.fullmatch(word))
    if first_numeral or keys & abbreviations.MAY_BE_LAST or _is_name_in_letters(word):
        labelled = len(word) == 1 and before_word.casefold() in abbreviations.LABELS
        return labelled or _opens_sentence(next_word())
    return True


def _spellings(previous: list[str], word: str) -> set[str]:
    """How the tables may have ``word``: as it is, not capitalised, and behind letters set apart ("z. B", "i. d. R")."""
    forms = {word}
    joined = word
    for part in reversed(previous):
        if not part.endswith(".") or len(part) > 3:
            break
        joined = part + joined
        forms.add(joined)
    if word.endswith("str"):
        forms.add("str")
    return forms | {form[:1].lower() + form[1:] for form in forms}


def _is_number(word: str) -> bool:
    return word[:1].isdigit() or bool(_ROMAN.fullmatch(word))


def _is_initial(word: Word) -> bool:
    return len(word.text) == 1 and word.text.isalpha() and word.mark == "."


def _is_name_in_letters(word: str) -> bool:
    """Whether it is an initial or an acronym, as they are written in the script."""
    if word in abbreviations.SPELLED_LETTERS:
        return True
    if len(word) == 1:
        return word.isupper() or bool(_INITIALS_OF_ONE_CASE.match(word))
    return word[-1:].isupper() and bool(_DOTTED.fullmatch(f"{word}."))


def _opens_sentence(word: Word) -> bool:
    """Whether the sentence ends before ``word``, that comes after something that may be an abbreviation."""
    if not word.text:
        return unicodedata.category(word.mark or " ") != "Sc"  # "5 Mio. €"
    return not _is_initial(word) and word.text.casefold() in abbreviations.OPENERS


def _number_ends(word: str, previous: list[str], next_word: Callable[[], Word]) -> bool:
    """Whether a number with a full stop ends a sentence; it may be an ordinal or a part of a date ("2024. 5. 3.")."""
    if len(word) > 4 or _YEAR_AND_MONTH.fullmatch(" ".join(previous)):
        return len(word) > 4
    following = next_word()
    if following.text.isdigit():
        return not (following.mark == "." or _DAY_OR_MONTH.fullmatch(previous[-1] if previous else ""))
    noun = following.text.casefold()
    if noun in abbreviations.ORDINAL_NOUNS:
        return False
    counted = bool(previous) and previous[-1].casefold() in abbreviations.ORDINAL_DETERMINERS
    return not counted or noun in abbreviations.OPENERS

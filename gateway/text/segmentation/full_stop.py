"""Decides whether a full stop before white space ends a sentence or belongs to an abbreviation, initial or number."""

import re
import unicodedata
from collections.abc import Callable

from gateway.text.segmentation import abbreviations
from gateway.text.segmentation.lookahead import NextWord

LOOK_BEHIND = 48
"""Characters before the full stop that the decision depends on."""

_OPENERS = "([{<\"'“‘«„¿¡*_~-–—>#/"
LIST_MARKER = re.compile(r"[\s>#*_(–•-]*(?:\d{1,3}(?:\.\d{1,3}){0,3}|[a-zA-Z]|[ivxIVX]{1,4})")
"""The whole text before the full stop of a list marker: "5." at the start of a piece is a number, not a sentence."""

_DOTTED_LOWER = re.compile(r"[^\W\d_](?:\.[^\W\d_]){1,4}")
_DOTTED = re.compile(r"[^\W\d_]\.(?:-?[^\W\d_]{1,3}\.)*-?[^\W\d_]{0,3}")
_ROMAN = re.compile(r"[IVXLCDM]+")
_DAY_OR_MONTH = re.compile(r"\d{1,2}\.")
_YEAR_AND_MONTH = re.compile(r"\d{4}\. \d{1,2}\.")
_INITIALS_OF_ONE_CASE = re.compile("[\u0531-\u0556\u05d0-\u05ea\u0620-\u064a\u10d0-\u10ff]")
_UNIT = re.compile("hr|dl|см")
_ELISION = re.compile(r"^[^\W\d_]{1,5}['’](?=[^\W\d_])")
_THAI = re.compile("[\u0e01-\u0e4e]")


def ends_sentence(before: str, next_word: Callable[[], NextWord]) -> bool:
    """Whether the full stop after ``before`` ends a sentence; white space and no lower case letter follow it.

    ``next_word`` is called only if the decision depends on the next word, which may not have arrived yet.
    """
    *previous, word = [part.lstrip(_OPENERS) for part in before.split()[-4:]] or [""]
    if word.isdigit():
        return _number_ends(word, previous[-2:], next_word)
    word = _ELISION.sub("", word)
    before_word = previous[-1] if previous else ""
    after_number = before_word[-1:].isdigit()
    if after_number and word in abbreviations.COMPOUND_UNITS and _is_number(next_word().text):
        return False
    if after_number and _UNIT.fullmatch(word):
        return True
    keys = _spellings(previous, word)
    if keys & abbreviations.NEVER_LAST or _THAI.fullmatch(word[-1:]):
        return False
    if f"{before_word} {word}".casefold() in abbreviations.PAIRS_NEVER_LAST:
        return False
    if keys & abbreviations.BEFORE_NUMBER and not after_number and _is_amount(next_word()):
        return False
    if word in abbreviations.NUMBERED_PARTS and _is_number(next_word().text):
        return False
    if keys & abbreviations.HALVES_OF_THE_DAY:
        return next_word().text not in abbreviations.TIME_QUALIFIERS
    if len(word) == 1 and _is_initial(next_word()):
        return False
    if word in abbreviations.TITLE_LETTERS and not before_word.endswith("."):
        return after_number and (word.isascii() or _opens_sentence(next_word()))
    first_numeral = not before_word and bool(_ROMAN.fullmatch(word))
    dotted = bool(_DOTTED_LOWER.fullmatch(word)) and not keys & abbreviations.OFTEN_LAST
    if first_numeral or dotted or keys & abbreviations.MAY_BE_LAST or _is_name_in_letters(word):
        labelled = len(word) == 1 and before_word.casefold() in abbreviations.LABELS
        return labelled or _opens_sentence(next_word())
    return True


def _spellings(previous: list[str], word: str) -> set[str]:
    """The forms to look up: as written, with a small initial letter, and joined with letters before it ("z. B")."""
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


def _is_amount(word: NextWord) -> bool:
    return _is_number(word.text) or (not word.text and unicodedata.category(word.mark or " ") == "Sc")


def _is_initial(word: NextWord) -> bool:
    return len(word.text) == 1 and word.text.isalpha() and word.mark == "."


def _is_name_in_letters(word: str) -> bool:
    """Whether ``word`` is an initial or an acronym in its script."""
    if word in abbreviations.SPELLED_LETTERS:
        return True
    if len(word) == 1:
        return word.isupper() or bool(_INITIALS_OF_ONE_CASE.match(word))
    return word[-1:].isupper() and bool(_DOTTED.fullmatch(f"{word}."))


def _opens_sentence(word: NextWord) -> bool:
    """Whether ``word``, which follows a possible abbreviation, opens a new sentence."""
    if not word.text:
        return unicodedata.category(word.mark or " ") != "Sc"  # "5 Mio. €"
    return not _is_initial(word) and word.text.casefold() in abbreviations.OPENERS


def _number_ends(word: str, previous: list[str], next_word: Callable[[], NextWord]) -> bool:
    """Whether a number with a full stop ends a sentence; else it is an ordinal or part of a date ("2024. 5. 3.")."""
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

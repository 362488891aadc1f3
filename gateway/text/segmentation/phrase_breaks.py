"""Phrase breaks: places between two words where a speaker may pause, so not inside "5 km", "Dr. Smith" or a formula."""

import re
import unicodedata

from gateway.text.segmentation import punctuation, word_boundaries

_LONGEST_SPAN = 500
_SPAN = re.compile(
    rf"`[^`\n]{{0,{_LONGEST_SPAN}}}`|\[[^\[\]\n]{{0,{_LONGEST_SPAN}}}\](?:\([^()\n]{{0,{_LONGEST_SPAN}}}\))?"
    rf"|(?<![\w$\\])\$(?=[^\s\d$])[^$\n]{{0,{_LONGEST_SPAN}}}(?:\$|\Z)"
    rf"|\\\((?:[^\\\n]|\\(?!\))){{0,{_LONGEST_SPAN}}}(?:\\\)|\Z)"
    rf"|<[a-zA-Z/!][^<>\n]{{0,{_LONGEST_SPAN}}}(?:>|\Z)"
    r"|(?:https?://|www\.)[^\s<>()\"'，。、！？；：」』）]{1,2000}"
)
"""Code, a link, a formula, a tag, a web address; a formula, tag or address also while it is still incomplete."""

_LONGEST_WORD = 40
_SHORT_UNIT = 4
_SCRIPT_SHOWS = 20
_OPENERS = "([{\"'“‘«„¿¡*_~"
_CLOSERS = ")]}\"'”’»*_~,;:!?…"
_SIGNS = frozenset("&@#%*/\\§")
_ROMAN = re.compile("[IVXLC]+")


def last_phrase_break(text: str, begin: int, end: int) -> int:
    """The last index after ``begin`` and up to ``end`` at which ``text`` may be divided; 0 if there is none.

    ``text`` starts with the piece. Only a place whose next word has begun counts, because the next word decides too.
    """
    hidden = _SPAN.sub(lambda span: re.sub(r"\D", "x", span[0]), text)
    for index in range(min(end, len(hidden) - 1), begin, -1):
        boundary = word_boundaries.is_word_boundary(hidden[max(0, index - _SCRIPT_SHOWS) : index], hidden[index])
        if boundary and _is_phrase_break(hidden, index):
            return index
    return 0


def decided(text: str) -> int:
    """The index up to which more text changes nothing: the start of the last word that is known to be complete."""
    words = text[-2 * _LONGEST_WORD :].rsplit(maxsplit=2)
    return max(0, len(text) - 2 * _LONGEST_WORD) if len(words) < 3 else len(text) - len(words[1]) - len(words[2]) - 2


def inside_span(before: str) -> bool:
    """Whether a formula, tag or code span is still open at the end of ``before``."""
    spans = list(_SPAN.finditer(before + " "))
    return bool(spans) and spans[-1].end() > len(before)


def _is_phrase_break(text: str, index: int) -> bool:
    """Whether the words on both sides of ``index`` are spoken as separate units."""
    if not text[index].isspace():
        return not text[index - 1].isdigit() and not text[index].isdigit()
    before = text[max(0, index - 2 * _LONGEST_WORD) : index].split()[-2:]
    after = text[index : index + 2 * _LONGEST_WORD].split()[:1]
    if not before or not after or before[-1].endswith("."):
        return False
    first, last = after[0].lstrip(_OPENERS).rstrip("." + _CLOSERS), before[-1].rstrip(_CLOSERS)
    if not first or not last or not _is_wordy(first[0]) or not _is_wordy(last[-1]) or _ROMAN.fullmatch(first):
        return False
    if len(last) <= _SHORT_UNIT and len(before) == 2 and before[0][-1:].isdigit():
        return False
    return bool(punctuation.UNSPACED.match(last[-1])) or not any(map(str.isdigit, last))


def _is_wordy(character: str) -> bool:
    """Whether it is neither a digit nor a sign: those belong to their neighbour."""
    return (
        unicodedata.category(character)[0] not in "NSC"
        and character not in _SIGNS
        and character not in punctuation.DASHES
    )

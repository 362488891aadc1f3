"""Decides for every sentence-final mark, by the text on both sides of it, whether a sentence ends there."""

import re

from gateway.text.segmentation import abbreviations, full_stop, punctuation
from gateway.text.segmentation.lookahead import LookaheadBuffer

_TABLE_ROW = re.compile(r"\s{0,8}\|")
_ADDRESS_ENDS = re.compile(r"[\s<>()\"'，。、！？；：」』）]")
_MOST_NOTES = 8
_SPACES = frozenset(" \u00a0\u202f")
_LAST_WORD = re.compile(r"[^\W\d_]+$")


def is_terminator(buffer: LookaheadBuffer, at: int) -> bool:
    """Whether the character at ``at`` is a sentence-final mark in this place."""
    mark = buffer.text[at]
    before = buffer.piece(at, 1)
    if mark == ";":
        return bool(punctuation.GREEK.match(before))
    if mark == ":":
        return bool(punctuation.ARMENIAN.match(before))
    if mark == "፡":
        return buffer.at(at + 1) == "፡"
    return mark in punctuation.TERMINATORS


def judge(buffer: LookaheadBuffer, at: int) -> tuple[int, bool]:
    """The index to continue at after the terminator at ``at``, and whether the sentence ends at that index."""
    if _TABLE_ROW.match(buffer.text, buffer.start, at):
        return at + 1, False
    run_end = max(buffer.skip(punctuation.TERMINATORS, at), at + 1 + (buffer.text[at] == "፡"))
    run = buffer.text[at:run_end]
    if not punctuation.SPACED_TERMINATORS.issuperset(run) and run not in {";", ":"}:
        return _judge_unspaced(buffer, at, run_end)
    end = _behind_closers(buffer, run_end)
    following = buffer.at(end)
    exclaimed = bool(set(run) - {".", "…", ":"})
    if following and not following.isspace():
        # "OK!好" ends a sentence without a space, "3.5" and "a?b=c" do not.
        ends = exclaimed and bool(punctuation.UNSPACED.match(following)) and not inside_address(buffer, at)
        closing = buffer.skip(punctuation.CLOSERS, run_end) if ends else run_end
        return closing, ends
    if end == run_end and exclaimed:
        return _judge_exclamation(buffer, at, run_end)
    return end, _ends_before_space(buffer, at, run, end)


def _ends_before_space(buffer: LookaheadBuffer, at: int, run: str, end: int) -> bool:
    next_at = buffer.skip_space(end)
    following = buffer.at(next_at)
    if is_lower(following) or _continues(buffer, next_at):
        return False
    if following == ".":
        # ". . ." goes on, "It is so. .NET too." does not.
        return buffer.at(next_at + 1).isalnum()
    if run != ".":
        return True
    if following == "(" and is_lower(buffer.at(next_at + 1)):
        return False
    before = buffer.piece(at, full_stop.LOOK_BEHIND)
    if len(before) < full_stop.LOOK_BEHIND and full_stop.LIST_MARKER.fullmatch(before):
        return False
    return full_stop.ends_sentence(before, lambda: buffer.word(next_at))


def _behind_closers(buffer: LookaheadBuffer, start: int) -> int:
    """The index after quotation marks, brackets, notes [1] and tags </b> that still belong to the sentence."""
    end = buffer.skip(punctuation.SPACED_CLOSERS, start)
    for _ in range(_MOST_NOTES):
        note = buffer.closing("]", end + 1, 6) if buffer.at(end) == "[" else None
        tag = buffer.closing(">", end + 2, 12) if buffer.at(end) == "<" and buffer.at(end + 1) == "/" else None
        if tag is None and (note is None or not buffer.text[end + 1 : note].lstrip("^").isdigit()):
            break
        end = buffer.skip(punctuation.SPACED_CLOSERS, (note or tag or end) + 1)
    # French writes a space before a closing »; in other languages » after a space opens a quotation.
    spaced = buffer.at(end) in _SPACES and buffer.at(end + 1) == "»" and not buffer.at(end + 2).isalnum()
    return end + 2 if spaced else end


def _judge_exclamation(buffer: LookaheadBuffer, at: int, end: int) -> tuple[int, bool]:
    """The same for ! or ? before white space: a few names end in one, and a dash continues dialogue."""
    next_at = buffer.skip_space(end)
    if _continues(buffer, next_at):
        return end, False
    name = _LAST_WORD.search(buffer.piece(at, 16))
    if name and name[0].casefold() in abbreviations.EXCLAIMED_NAMES:
        following = buffer.word(next_at).text
        return end, not following.islower() and following.casefold() in abbreviations.OPENERS
    return end, True


def _continues(buffer: LookaheadBuffer, at: int) -> bool:
    """Whether the sign at ``at`` shows that the sentence goes on."""
    sign = buffer.at(at)
    if sign in punctuation.NEVER_FIRST_ALONE:
        return buffer.at(at + 1) in {" ", "\u00a0"}
    return sign != "" and sign in punctuation.NEVER_FIRST


def _judge_unspaced(buffer: LookaheadBuffer, at: int, run_end: int) -> tuple[int, bool]:
    mark = buffer.text[at]
    before = buffer.piece(at, 1)
    if mark == "．" and buffer.at(at + 1).isalnum() and (before.isdigit() or before.isascii()):
        return run_end, False
    if mark == "។" and buffer.at(at + 1) == "ល" and buffer.at(at + 2) == "។":
        return at + 3, False
    if mark == "۔" and _spells_urdu_letter(buffer, at, run_end):
        return run_end, False
    end = buffer.skip(punctuation.CLOSERS, run_end)
    if end > run_end and buffer.text[run_end] == '"' and buffer.piece(at, 400).count('"') % 2 == 0:
        return run_end, True
    if end > run_end and buffer.text[end - 1] in "」』":
        following = buffer.at(end)
        if following == "っ":
            following += buffer.at(end + 1)
        if following in punctuation.QUOTING:
            return end, False
    return end, True


def _spells_urdu_letter(buffer: LookaheadBuffer, at: int, run_end: int) -> bool:
    """Whether the full stop belongs to an Urdu initial: "ایم۔ اے۔ جناح"."""
    words = re.split(r"[\s۔]", buffer.piece(at, 24))
    spelled = words[-1] in abbreviations.SPELLED_LETTERS
    return spelled and buffer.at(run_end) not in {"", "\n"}


def is_lower(character: str) -> bool:
    """Whether no sentence begins with it. Georgian sentences begin with letters that Unicode calls lower case."""
    return character.islower() and not "\u10d0" <= character <= "\u10ff"


def inside_address(buffer: LookaheadBuffer, index: int) -> bool:
    """Whether the character at ``index`` is part of a URL."""
    before = buffer.piece(index, 500)
    begin = before.rfind("://")
    return begin >= 0 and not _ADDRESS_ENDS.search(before, begin)

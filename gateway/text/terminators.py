"""Where a sentence ends: every mark that can end one, judged by what stands on both sides of it."""

import re

from gateway.text import abbreviations, full_stop, marks
from gateway.text.window import Window

_TABLE_ROW = re.compile(r"\s{0,8}\|")
_ADDRESS_ENDS = re.compile(r"[\s<>()\"'，。、！？；：」』）]")
_MOST_NOTES = 8
_SPACES = frozenset(" \u00a0\u202f")
_LAST_WORD = re.compile(r"[^\W\d_]+$")


def is_terminator(window: Window, at: int) -> bool:
    """Whether the character there can end a sentence where it stands."""
    mark = window.text[at]
    before = window.piece(at, 1)
    if mark == ";":
        return bool(marks.GREEK.match(before))
    if mark == ":":
        return bool(marks.ARMENIAN.match(before))
    if mark == "፡":
        return window.at(at + 1) == "፡"
    return mark in marks.TERMINATORS


def judge(window: Window, at: int) -> tuple[int, bool]:
    """Where to read on after the terminator there, and whether the sentence ends at that point."""
    if _TABLE_ROW.match(window.text, window.start, at):
        return at + 1, False
    run_end = max(window.skip(marks.TERMINATORS, at), at + 1 + (window.text[at] == "፡"))
    run = window.text[at:run_end]
    if not marks.SPACED_TERMINATORS.issuperset(run) and run not in {";", ":"}:
        return _judge_unspaced(window, at, run_end)
    end = _behind_closers(window, run_end)
    following = window.at(end)
    exclaimed = bool(set(run) - {".", "…", ":"})
    if following and not following.isspace():
        # "OK!好" ends a sentence without a space, "3.5" and "a?b=c" do not.
        ends = exclaimed and bool(marks.UNSPACED.match(following)) and not inside_address(window, at)
        closing = window.skip(marks.CLOSERS, run_end) if ends else run_end
        return closing, ends
    if end == run_end and exclaimed:
        return _judge_exclamation(window, at, run_end)
    return end, _ends_before_space(window, at, run, end)


def _ends_before_space(window: Window, at: int, run: str, end: int) -> bool:
    next_at = window.skip_space(end)
    following = window.at(next_at)
    if is_lower(following) or following in marks.DASHES:
        return False
    if following == ".":
        # ". . ." goes on, "It is so. .NET too." does not.
        return window.at(next_at + 1).isalnum()
    if run != ".":
        return True
    before = window.piece(at, full_stop.LOOK_BEHIND)
    if len(before) < full_stop.LOOK_BEHIND and full_stop.LIST_MARKER.fullmatch(before):
        return False
    return full_stop.ends_sentence(before, lambda: window.word(next_at))


def _behind_closers(window: Window, start: int) -> int:
    """Behind all that still belongs to the sentence: quotation marks, brackets, notes as [1] and tags as </b>."""
    end = window.skip(marks.SPACED_CLOSERS, start)
    for _ in range(_MOST_NOTES):
        note = window.closing("]", end + 1, 6) if window.at(end) == "[" else None
        tag = window.closing(">", end + 2, 12) if window.at(end) == "<" and window.at(end + 1) == "/" else None
        if tag is None and (note is None or not window.text[end + 1 : note].lstrip("^").isdigit()):
            break
        end = window.skip(marks.SPACED_CLOSERS, (note or tag or end) + 1)
    # French writes a space before the » that closes; elsewhere » after a space opens.
    spaced = window.at(end) in _SPACES and window.at(end + 1) == "»" and not window.at(end + 2).isalnum()
    return end + 2 if spaced else end


def _judge_exclamation(window: Window, at: int, end: int) -> tuple[int, bool]:
    """A ! or ? with white space behind: a few names end in one, and dialogue goes on with a dash."""
    next_at = window.skip_space(end)
    if window.at(next_at) in marks.DASHES:
        return end, False
    name = _LAST_WORD.search(window.piece(at, 16))
    if name and name[0].casefold() in abbreviations.EXCLAIMED_NAMES:
        following = window.word(next_at).text
        return end, not following.islower() and following.casefold() in abbreviations.OPENERS
    return end, True


def _judge_unspaced(window: Window, at: int, run_end: int) -> tuple[int, bool]:
    mark = window.text[at]
    before = window.piece(at, 1)
    if mark == "．" and window.at(at + 1).isalnum() and (before.isdigit() or before.isascii()):
        return run_end, False
    if mark == "។" and window.at(at + 1) == "ល" and window.at(at + 2) == "។":
        return at + 3, False
    if mark == "۔" and _spells_urdu_letter(window, at, run_end):
        return run_end, False
    end = window.skip(marks.CLOSERS, run_end)
    if end > run_end and window.text[run_end] == '"' and window.piece(at, 400).count('"') % 2 == 0:
        return run_end, True
    if end > run_end and window.text[end - 1] in "」』":
        following = window.at(end)
        if following == "っ":
            following += window.at(end + 1)
        if following in marks.QUOTING:
            return end, False
    return end, True


def _spells_urdu_letter(window: Window, at: int, run_end: int) -> bool:
    """Whether the full stop belongs to an initial: "ایم۔ اے۔ جناح"."""
    words = re.split(r"[\s۔]", window.piece(at, 24))
    spelled = words[-1] in abbreviations.SPELLED_LETTERS
    return spelled and window.at(run_end) not in {"", "\n"}


def is_lower(character: str) -> bool:
    """Whether no sentence begins with it. Georgian letters are lower case by name, and sentences begin with them."""
    return character.islower() and not "\u10d0" <= character <= "\u10ff"


def inside_address(window: Window, index: int) -> bool:
    """Whether the character there is in a URL that goes on without white space."""
    before = window.piece(index, 500)
    begin = before.rfind("://")
    return begin >= 0 and not _ADDRESS_ENDS.search(before, begin)

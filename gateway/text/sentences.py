"""Cut text that is still being written into pieces worth speaking: sentences, and at the start a clause."""

import re

from gateway.text import marks

_SOFT_LIMIT = 400
"""Characters without an end of sentence after which a piece ends at a word boundary."""

_HARD_LIMIT = 3200
"""Characters without even a word boundary after which a piece ends anywhere."""

_FENCE = "```"
_SPACES_ARE_MARKS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_MARK = re.compile(
    f"[{re.escape(''.join(sorted(marks.TERMINATORS | marks.CLAUSES)))}\n`\\[]|(?<=[{_SPACES_ARE_MARKS}]) "
)
_LIST_MARKER = re.compile(r"[\s>#*_(-]*(?:\d{1,3}|[a-zA-Z])")
_OPENERS = "([{<\"'“‘«„¿¡*_~-–—>#"


class _NeedMore(Exception):
    """What follows decides, and it has not come yet."""


class Splitter:
    """Text in as it comes, pieces out as soon as they are certain; joined, the pieces are the text.

    The white space between two pieces leads the second. However the text is divided over ``feed``, the pieces are the
    same. ``first_clause``: the first piece may be a clause. Fenced code is one piece; code spans and Markdown links are
    not cut. Time is linear in the text.
    """

    def __init__(self, *, first_clause: bool = False) -> None:
        self._clause_will_do = first_clause
        self._fenced: list[str] | None = None
        self._text = ""
        self._ended = False
        # Indices into the text: where the piece began, how far it was read, its last word boundary (0: none).
        self._start = self._position = self._boundary = 0
        self._limit = _SOFT_LIMIT

    def feed(self, text: str) -> list[str]:
        """Take the next text and give the pieces it completes, maybe none."""
        self._text += text
        return self._pieces()

    def finish(self) -> list[str]:
        """What is left; the last piece may be white space only. Nothing may be fed after it."""
        self._ended = True
        pieces = self._pieces()
        rest = self._take(len(self._text))
        return [*pieces, rest] if rest else pieces

    def words(self) -> str | None:
        """The words that are pending, up to the last boundary at which they can be cut now; None if there are none."""
        if self._fenced is not None:
            return None
        end = self._pending_sentence() or self._boundary
        if not any(map(str.isalnum, self._text[self._start : end])):
            return None
        return self._take(end)

    def _pending_sentence(self) -> int | None:
        """The end of a sentence that is complete for all that is known, though what follows might tell otherwise."""
        if self._position >= len(self._text) or not _MARK.match(self._text, self._position):
            return None
        self._ended = True
        end, ends = self._judge(self._position)
        self._ended = False
        return end if ends and self._text[end:].isspace() else None

    def _pieces(self) -> list[str]:
        pieces = []
        try:
            while self._position < len(self._text):
                if end := self._advance():
                    pieces.append(self._take(end))
        except _NeedMore:
            pass
        self._forget()
        return pieces

    def _take(self, end: int) -> str:
        piece = "".join(self._fenced or ()) + self._text[self._start : end]
        self._fenced = None
        self._start = self._position = end
        self._boundary = 0
        self._limit = end + _SOFT_LIMIT
        if any(map(str.isalnum, piece)):
            self._clause_will_do = False
        return piece

    def _forget(self) -> None:
        """Drop the text that was given out."""
        gone = self._start
        self._text = self._text[gone:]
        self._start = 0
        self._position -= gone
        self._boundary = max(0, self._boundary - gone)
        self._limit -= gone

    def _advance(self) -> int | None:
        """Read on to the next mark and judge it; the end of the piece if it ends there."""
        if self._fenced is not None:
            return self._read_fence(self._fenced)
        found = _MARK.search(self._text, self._position, self._limit)
        plain_end = max(self._position, min(found.start() if found else len(self._text), self._limit))
        self._note_boundary(self._position, plain_end)
        self._position = plain_end
        if plain_end >= self._limit:
            return self._overlong()
        if not found:
            return None
        end, ends = self._judge(plain_end)
        self._note_boundary(plain_end, plain_end + 1)
        self._position = end
        return end if ends else None

    def _overlong(self) -> int | None:
        if self._boundary:
            return self._boundary
        if self._limit - self._start >= _HARD_LIMIT:
            return self._position
        self._limit += self._limit - self._start
        return None

    def _note_boundary(self, begin: int, end: int) -> None:
        for index in range(end - 1, max(begin, self._start + 1) - 1, -1):
            if marks.separable(self._text[index - 1], self._text[index]):
                self._boundary = index
                return

    def _at(self, index: int) -> str:
        """The character there, "" behind the end."""
        if index < len(self._text):
            return self._text[index]
        if self._ended:
            return ""
        raise _NeedMore

    def _judge(self, at: int) -> tuple[int, bool]:
        """Where to read on after the mark there, and whether the piece ends at that point."""
        mark = self._text[at]
        if mark == "\n":
            blank = not self._text[self._start : at].strip()
            return (at + 1, False) if blank else (at, True)
        if mark == "`":
            return self._judge_code(at)
        if mark == "[":
            return self._link_end(at), False
        if mark == " ":
            return self._judge_space(at)
        if mark in marks.TERMINATORS:
            return self._judge_terminator(at)
        return self._judge_clause(at)

    def _judge_code(self, at: int) -> tuple[int, bool]:
        if self._at(at + 1) == "`" and self._at(at + 2) == "`":
            if self._text[self._start : at].strip():
                return at, True
            self._fenced = []
            return at + len(_FENCE), False
        closing = self._closing("`", at + 1, 100)
        return (closing or at) + 1, False

    def _read_fence(self, held: list[str]) -> int | None:
        closing = self._text.find(_FENCE, self._position)
        if closing >= 0:
            return closing + len(_FENCE)
        if self._ended:
            self._position = len(self._text)
            return None
        # Set aside what was read, so that a long block is not copied again with every word.
        self._position = max(self._position, len(self._text) - len(_FENCE) + 1)
        held.append(self._text[self._start : self._position])
        self._start = self._position
        raise _NeedMore

    def _link_end(self, at: int) -> int:
        bracket = self._closing("]", at + 1, 200)
        if bracket is None:
            return at + 1
        if self._at(bracket + 1) != "(":
            return bracket + 1
        address = self._closing(")", bracket + 2, 500)
        return (address or bracket) + 1

    def _closing(self, mark: str, start: int, limit: int) -> int | None:
        """Where ``mark`` is, if it is on this line and at most ``limit`` characters away."""
        end = start + limit
        found = self._text.find(mark, start, end)
        if self._text.find("\n", start, found if found >= 0 else end) >= 0:
            return None
        if found < 0 and len(self._text) < end and not self._ended:
            raise _NeedMore
        return found if found >= 0 else None

    def _judge_space(self, at: int) -> tuple[int, bool]:
        """A space between Thai, Lao, Burmese or Khmer letters: it separates phrases there, not words."""
        following = self._at(at + 1)
        spoken = self._text[self._start : at]
        enough = len(spoken) >= 40 or (self._clause_will_do and _enough(spoken))
        return (at, True) if enough and marks.UNSPACED.match(following) else (at + 1, False)

    def _judge_clause(self, at: int) -> tuple[int, bool]:
        if not (self._clause_will_do and _enough(self._text[self._start : at])):
            return at + 1, False
        end = self._skip(marks.CLOSERS, at + 1)
        following = self._at(end)
        return end, self._text[at] not in marks.SPACED_CLAUSES or not following or following.isspace()

    def _judge_terminator(self, at: int) -> tuple[int, bool]:
        run_end = self._skip(marks.TERMINATORS, at)
        run = set(self._text[at:run_end])
        end = self._skip(marks.CLOSERS, run_end)
        if run - marks.SPACED_TERMINATORS:
            return end, True
        following = self._at(end)
        exclaimed = bool(run & {"!", "?"})
        if following and not following.isspace():
            # "OK!好" ends a sentence without a space, "3.5" and "a?b=c" do not.
            ends = exclaimed and bool(marks.UNSPACED.match(following))
            return (end if ends else run_end), ends
        if exclaimed and end == run_end:
            return end, True
        following = self._first_of_next_word(end)
        if following.islower():
            return end, False
        return end, self._text[at:run_end] != "." or not self._belongs_to_word(at, following)

    def _skip(self, characters: frozenset[str], start: int) -> int:
        """Behind a run of ``characters``; it is cut off where it is longer than any that means something."""
        end = start
        while end < start + 16 and self._at(end) in characters:
            end += 1
        return end

    def _first_of_next_word(self, start: int) -> str:
        """The first character after white space; the last white space if there is a line break or a lot of it."""
        following = ""
        for index in range(start, start + 8):
            following = self._at(index)
            if not following.isspace() or following == "\n":
                break
        return following

    def _belongs_to_word(self, at: int, following: str) -> bool:
        """Whether the full stop there belongs to an abbreviation, an initial or a list marker."""
        before = self._text[self._start : at]
        if _LIST_MARKER.fullmatch(before):
            return True
        word = before.split()[-1].lstrip(_OPENERS) if before.strip() else ""
        if word.casefold() in marks.ABBREVIATIONS:
            return True
        if word.casefold() in marks.NUMBERED_ABBREVIATIONS:
            return following.isdigit()
        return word != "I" and all(len(part) == 1 and part.isupper() for part in word.split("."))


def _enough(text: str) -> bool:
    """Whether a clause is long enough to be spoken on its own."""
    words = sum(any(map(str.isalnum, word)) for word in text.split())
    return words >= 3 or sum(map(str.isalnum, text)) >= 12 or len(marks.IDEOGRAPH.findall(text)) >= 5

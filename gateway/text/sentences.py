"""Cut text that is still being written into pieces worth speaking: sentences, and at the start a clause."""

import re

from gateway.text import breaks, marks, pauses, terminators
from gateway.text.window import NeedMore, Window

_SOFT_LIMIT = 400
"""Characters without an end of sentence after which a piece ends at a word boundary."""

_HARD_LIMIT = 3200
"""Characters without even a word boundary after which a piece ends anywhere between two characters."""

_LONGEST_CHARACTER = 64
"""Code points that are read as one character at most, when a piece ends anywhere."""

_SCRIPT_SHOWS = 20
"""Characters of which one is kana, if the text is Japanese."""

_LONGEST_FORMULA = 200
"""Characters of a formula or tag in which no clause ends."""

_UNLIKE_A_SENTENCE = "5"
"""What follows an abbreviation rather than a sentence: "No. 5", not "No. It"."""

_FENCE = "```"
_SPACES_ARE_MARKS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_MARK = re.compile(
    f"[{re.escape(''.join(sorted(marks.TERMINATORS | marks.CLAUSES)))}፡\n`\\[]|(?<=[{_SPACES_ARE_MARKS}]) "
)


class Splitter:
    """Text in as it comes, pieces out as soon as they are certain; joined, the pieces are the text.

    The white space between two pieces leads the second. However the text is divided over ``feed``, the pieces are the
    same. ``first_clause``: the first piece may be a clause. Fenced code is one piece; code spans and Markdown links are
    not cut. Time is linear in the text. The language need not be known: the tables hold for all of them at once.
    """

    def __init__(self, *, first_clause: bool = False) -> None:
        self._clause_will_do = first_clause
        self._fenced: list[str] | None = None
        self._window = Window()
        # Indices into the window: how far it was read, the last word boundary of the piece (0: none).
        self._position = self._boundary = 0
        self._limit = _SOFT_LIMIT

    def feed(self, text: str) -> list[str]:
        """Take the next text and give the pieces it completes, maybe none."""
        self._window.text += text
        return self._pieces()

    def finish(self) -> list[str]:
        """What is left; the last piece may be white space only. Nothing may be fed after it."""
        self._window.ended = True
        pieces = self._pieces()
        rest = self._take(len(self._window.text))
        return [*pieces, rest] if rest else pieces

    def words(self) -> str | None:
        """The words that are pending, up to the last boundary between two; None if there are none."""
        return self._taken(self._pending_sentence() or self._boundary)

    def phrase(self) -> str | None:
        """The words that are pending, up to the last place where a speaker may pause; None if there are none.

        Spoken apart they sound as in the whole sentence: nothing that is said as one ("5 km", a link) is cut.
        """
        return self._taken(self._pending_sentence(_UNLIKE_A_SENTENCE) or self._last_pause())

    def _taken(self, end: int) -> str | None:
        if self._fenced is not None or not any(map(str.isalnum, self._window.text[self._window.start : end])):
            return None
        return self._take(end)

    def _pending_sentence(self, following: str = "") -> int | None:
        """The end of a sentence that is complete for all that is known, or even if ``following`` comes next."""
        text = self._window.text
        if self._fenced is not None or self._position >= len(text) or not _MARK.match(text, self._position):
            return None
        if following and text[self._position - 1 : self._position].isdigit():
            return None
        self._window.text, self._window.ended = text + following, True
        end, ends = self._judge(self._position)
        self._window.text, self._window.ended = text, False
        return end if ends and text[end:].isspace() else None

    def _last_pause(self) -> int:
        return pauses.last_pause(self._window.text, self._window.start, self._boundary) if self._boundary else 0

    def _pieces(self) -> list[str]:
        pieces = []
        try:
            while self._position < len(self._window.text):
                if end := self._advance():
                    pieces.append(self._take(end))
        except NeedMore:
            pass
        self._forget()
        return pieces

    def _take(self, end: int) -> str:
        window = self._window
        piece = "".join(self._fenced or ()) + window.text[window.start : end]
        self._fenced = None
        window.start = self._position = end
        self._boundary = 0
        self._limit = end + _SOFT_LIMIT
        if any(map(str.isalnum, piece)):
            self._clause_will_do = False
        return piece

    def _forget(self) -> None:
        """Drop the text that was given out."""
        gone = self._window.start
        self._window.text = self._window.text[gone:]
        self._window.start = 0
        self._position -= gone
        self._boundary = max(0, self._boundary - gone)
        self._limit -= gone

    def _advance(self) -> int | None:
        """Read on to the next mark and judge it; the end of the piece if it ends there."""
        if self._fenced is not None:
            return self._read_fence(self._fenced)
        text = self._window.text
        found = _MARK.search(text, self._position, self._limit)
        plain_end = max(self._position, min(found.start() if found else len(text), self._limit))
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
            return self._last_pause() or self._boundary
        if self._limit - self._window.start >= _HARD_LIMIT:
            return self._between_characters(self._position)
        self._limit += self._limit - self._window.start
        return None

    def _between_characters(self, end: int) -> int:
        for index in range(end, end - _LONGEST_CHARACTER, -1):
            if not breaks.breaks_character(self._window.text[index - 1], self._window.at(index) or " "):
                return index
        return end

    def _note_boundary(self, begin: int, end: int) -> None:
        text = self._window.text
        for index in range(end - 1, max(begin, self._window.start + 1) - 1, -1):
            if breaks.separable(self._window.piece(index, _SCRIPT_SHOWS), text[index]):
                if text[index].isspace() or not terminators.inside_address(self._window, index):
                    self._boundary = index
                return

    def _judge(self, at: int) -> tuple[int, bool]:
        """Where to read on after the mark there, and whether the piece ends at that point."""
        mark = self._window.text[at]
        if mark == "\n":
            blank = not self._window.text[self._window.start : at].strip()
            return (at + 1, False) if blank else (at, True)
        if mark == "`":
            return self._judge_code(at)
        if mark == "[":
            return self._link_end(at), False
        if mark == " ":
            return self._judge_space(at)
        if terminators.is_terminator(self._window, at):
            return terminators.judge(self._window, at)
        return self._judge_clause(at)

    def _judge_code(self, at: int) -> tuple[int, bool]:
        window = self._window
        if window.at(at + 1) == "`" and window.at(at + 2) == "`":
            if window.text[window.start : at].strip():
                return at, True
            self._fenced = []
            return at + len(_FENCE), False
        ticks = "``" if window.at(at + 1) == "`" else "`"
        closing = window.closing(ticks, at + len(ticks), 100)
        return (at if closing is None else closing) + len(ticks), False

    def _read_fence(self, held: list[str]) -> int | None:
        window = self._window
        closing = window.text.find(_FENCE, self._position)
        if closing >= 0:
            return closing + len(_FENCE)
        if window.ended:
            self._position = len(window.text)
            return None
        # Set aside what was read, so that a long block is not copied again with every word.
        self._position = max(self._position, len(window.text) - len(_FENCE) + 1)
        held.append(window.text[window.start : self._position])
        window.start = self._position
        raise NeedMore

    def _link_end(self, at: int) -> int:
        bracket = self._window.closing("]", at + 1, 200)
        if bracket is None:
            return at + 1
        if self._window.at(bracket + 1) != "(":
            return bracket + 1
        address = self._window.closing(")", bracket + 2, 500)
        return (address or bracket) + 1

    def _judge_space(self, at: int) -> tuple[int, bool]:
        """A space between Thai, Lao, Burmese or Khmer letters: it separates phrases there, not words."""
        following = self._window.at(at + 1)
        spoken = self._window.text[self._window.start : at]
        if not spoken or not marks.UNSPACED.match(following):
            return at + 1, False
        impatient = self._clause_will_do and _enough(spoken)
        if spoken[-1] > "\u0eff":
            return (at, True) if impatient else (at + 1, False)
        for index in range(at + 2, at + 1 + marks.LONGEST_CONNECTIVE):
            following += self._window.at(index)
        ends = marks.parts_thai(spoken, following, impatient=impatient)
        return (at, True) if ends else (at + 1, False)

    def _judge_clause(self, at: int) -> tuple[int, bool]:
        window = self._window
        if not self._clause_will_do:
            return at + 1, False
        end = window.skip(marks.CLOSERS, at + 1)
        following = window.at(end)
        if window.text[at] in marks.SPACED_CLAUSES and following and not following.isspace():
            return end, False
        if window.piece(at, 1).isdigit() and window.at(window.skip_space(end)).isdigit():
            return end, False  # "October 3, 2026"
        clause = window.text[window.start : at]
        return end, _enough(clause) and not pauses.inside_span(clause[-_LONGEST_FORMULA:])


def _enough(text: str) -> bool:
    """Whether a clause is long enough to be spoken on its own."""
    words = sum(any(map(str.isalnum, word)) for word in text.split())
    return words >= 3 or sum(map(str.isalnum, text)) >= 12 or len(marks.IDEOGRAPH.findall(text)) >= 5

"""Splits streamed text into pieces for synthesis: sentences, and optionally a clause as the first piece."""

import re

from gateway.text.segmentation import phrase_breaks, punctuation, sentence_ends, word_boundaries
from gateway.text.segmentation.clause_length import ClauseLength
from gateway.text.segmentation.lookahead import LookaheadBuffer, NeedMoreText

_SOFT_LIMIT = 400
"""Characters without a sentence end after which a piece ends at a word boundary."""

LONGEST_PIECE = 1000
"""Characters of a piece at most: without a word boundary it ends there between two characters."""

_SCRIPT_SHOWS = 20
"""Characters before a boundary that are searched for kana, to recognise Japanese."""

_LONGEST_FORMULA = 200
"""The longest formula or tag, in characters, in which no clause may end."""

_UNLIKE_A_SENTENCE = "5"
"""A next word that keeps an abbreviation open: after "No." it makes "No. 5"."""

_FENCE = "```"
_SPACES_ARE_MARKS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_MARK = re.compile(
    f"[{re.escape(''.join(sorted(punctuation.TERMINATORS | punctuation.CLAUSES)))}፡\n`\\[]|(?<=[{_SPACES_ARE_MARKS}]) "
)


class SentenceSegmenter:
    """Takes text as it arrives and returns pieces as soon as they are certain; the joined pieces equal the text.

    White space between two pieces belongs to the second. The pieces do not depend on how the text is divided over
    calls of ``feed``. With ``first_clause`` the first piece may be a clause, with ``every_clause`` all of them. Fenced
    code is one piece; code spans and Markdown links are not divided. No piece is longer than ``LONGEST_PIECE``; little
    more than that is buffered, so time is linear in the length of the text. The rules hold for all languages at once.
    """

    def __init__(self, *, first_clause: bool = False, every_clause: bool = False) -> None:
        self._clause_will_do = first_clause or every_clause
        self._every_clause = every_clause
        self._fenced = False
        self._buffer = LookaheadBuffer()
        # Indices into the buffer: the next character to read, the last word boundary of the current piece (0: none).
        self._position = self._boundary = 0
        self._limit = _SOFT_LIMIT
        self._searched = 0  # before this index there is no phrase break
        self._clause, self._counted = ClauseLength(), 0

    def feed(self, text: str) -> list[str]:
        """Add text; returns the pieces that it completes."""
        self._buffer.text += text
        return self._pieces()

    def finish(self) -> list[str]:
        """Return the remaining pieces; the last one may be white space only. ``feed`` must not be called afterwards."""
        self._buffer.ended = True
        pieces = self._pieces()
        rest = self._take(len(self._buffer.text))
        return [*pieces, rest] if rest else pieces

    def take_words(self) -> str | None:
        """Remove and return the pending text up to its last word boundary; ``None`` if there is none."""
        return self._taken(self._pending_sentence() or self._boundary)

    def take_phrase(self) -> str | None:
        """Remove and return the pending text up to its last phrase break; ``None`` if there is none.

        Units that are spoken as one ("5 km", a link) are not divided.
        """
        return self._taken(self._pending_sentence(_UNLIKE_A_SENTENCE) or self._last_phrase_break())

    def _taken(self, end: int) -> str | None:
        if self._fenced or not any(map(str.isalnum, self._buffer.text[self._buffer.start : end])):
            return None
        return self._take(end)

    def _pending_sentence(self, following: str = "") -> int | None:
        """The end of a pending sentence that is complete if the text ended now, or if ``following`` came next."""
        text = self._buffer.text
        if self._fenced or self._position >= len(text) or not _MARK.match(text, self._position):
            return None
        if following and text[self._position - 1 : self._position].isdigit():
            return None
        self._buffer.text, self._buffer.ended = text + following, True
        end, ends = self._judge(self._position)
        self._buffer.text, self._buffer.ended = text, False
        return end if ends and text[end:].isspace() else None

    def _last_phrase_break(self) -> int:
        """The last phrase break up to the last word boundary, 0 if there is none; reads new text only."""
        if not self._boundary:
            return 0
        start = self._buffer.start
        pending = self._buffer.text[start : self._limit]
        begin = self._searched - start
        if found := phrase_breaks.last_phrase_break(pending, begin, self._boundary - start):
            return start + found
        self._searched = start + max(begin, phrase_breaks.decided(pending))
        return 0

    def _pieces(self) -> list[str]:
        pieces = []
        try:
            while self._position < len(self._buffer.text):
                if end := self._advance():
                    pieces.append(self._take(end))
        except NeedMoreText:
            pass
        self._forget()
        return pieces

    def _take(self, end: int) -> str:
        buffer = self._buffer
        piece = buffer.text[buffer.start : end]
        buffer.start = self._position = self._searched = self._counted = end
        self._boundary = 0
        self._limit = end + _SOFT_LIMIT
        self._clause = ClauseLength()
        if any(map(str.isalnum, piece)):
            self._clause_will_do = self._every_clause
        return piece

    def _forget(self) -> None:
        """Drop text that was returned."""
        gone = self._buffer.start
        self._buffer.text = self._buffer.text[gone:]
        self._buffer.start = 0
        self._position -= gone
        self._boundary = max(0, self._boundary - gone)
        self._limit -= gone
        self._searched -= gone
        self._counted -= gone

    def _advance(self) -> int | None:
        """Read up to and including the next mark; the end of the piece if it ends there."""
        if self._fenced:
            return self._read_fence()
        text = self._buffer.text
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
        if end - self._buffer.start > LONGEST_PIECE:
            return self._overlong()
        return end if ends else None

    def _overlong(self) -> int | None:
        if self._boundary:
            return self._last_phrase_break() or self._boundary
        longest = self._buffer.start + LONGEST_PIECE
        if self._position >= longest:
            self._buffer.at(longest)  # the next character decides whether the last one is complete
            return word_boundaries.grapheme_end(self._buffer.text, longest)
        self._limit = min(longest, 2 * self._limit - self._buffer.start)
        return None

    def _note_boundary(self, begin: int, end: int) -> None:
        text = self._buffer.text
        for index in range(end - 1, max(begin, self._buffer.start + 1) - 1, -1):
            if word_boundaries.is_word_boundary(self._buffer.piece(index, _SCRIPT_SHOWS), text[index]):
                if text[index].isspace() or not sentence_ends.inside_address(self._buffer, index):
                    self._boundary = index
                return

    def _judge(self, at: int) -> tuple[int, bool]:
        """The index to continue at after the mark at ``at``, and whether the piece ends at that index."""
        mark = self._buffer.text[at]
        if mark == "\n":
            blank = not self._buffer.text[self._buffer.start : at].strip()
            return (at + 1, False) if blank else (at, True)
        if mark == "`":
            return self._judge_code(at)
        if mark == "[":
            return self._link_end(at), False
        if mark == " ":
            return self._judge_space(at)
        if sentence_ends.is_terminator(self._buffer, at):
            return sentence_ends.judge(self._buffer, at)
        return self._judge_clause(at)

    def _judge_code(self, at: int) -> tuple[int, bool]:
        buffer = self._buffer
        if buffer.at(at + 1) == "`" and buffer.at(at + 2) == "`":
            if buffer.text[buffer.start : at].strip():
                return at, True
            self._fenced = True
            return at + len(_FENCE), False
        ticks = "``" if buffer.at(at + 1) == "`" else "`"
        closing = buffer.closing(ticks, at + len(ticks), 100)
        return (at if closing is None else closing) + len(ticks), False

    def _read_fence(self) -> int | None:
        """The end of the fenced code, or of a part of it that is as long as a piece may be."""
        buffer = self._buffer
        longest = buffer.start + LONGEST_PIECE
        closing = buffer.text.find(_FENCE, self._position, longest)
        if closing >= 0:
            self._fenced = False
            return closing + len(_FENCE)
        if len(buffer.text) < longest:
            self._position = max(self._position, len(buffer.text) - len(_FENCE) + 1)
            if not buffer.ended:
                raise NeedMoreText
            self._position = len(buffer.text)
            return None
        line_end = buffer.text.rfind("\n", buffer.start + 1, longest)
        # A closing fence must not be divided.
        return line_end if line_end > 0 else buffer.start + len(buffer.text[buffer.start : longest].rstrip("`"))

    def _link_end(self, at: int) -> int:
        bracket = self._buffer.closing("]", at + 1, 200)
        if bracket is None:
            return at + 1
        if self._buffer.at(bracket + 1) != "(":
            return bracket + 1
        address = self._buffer.closing(")", bracket + 2, 500)
        return (address or bracket) + 1

    def _judge_space(self, at: int) -> tuple[int, bool]:
        """A space between Thai, Lao, Burmese or Khmer letters: it separates phrases, not words."""
        following = self._buffer.at(at + 1)
        spoken = self._buffer.text[self._buffer.start : at]
        if not spoken or not punctuation.UNSPACED.match(following):
            return at + 1, False
        impatient = self._clause_will_do and self._clause_is_enough(at)
        if spoken[-1] > "\u0eff":
            return (at, True) if impatient else (at + 1, False)
        for index in range(at + 2, at + 1 + punctuation.LONGEST_CONNECTIVE):
            following += self._buffer.at(index)
        ends = punctuation.ends_thai_phrase(spoken, following, impatient=impatient)
        return (at, True) if ends else (at + 1, False)

    def _judge_clause(self, at: int) -> tuple[int, bool]:
        buffer = self._buffer
        if not self._clause_will_do:
            return at + 1, False
        end = buffer.skip(punctuation.CLOSERS, at + 1)
        following = buffer.at(end)
        if buffer.text[at] in punctuation.SPACED_CLAUSES and following and not following.isspace():
            return end, False
        if buffer.piece(at, 1).isdigit() and buffer.at(buffer.skip_space(end)).isdigit():
            return end, False  # "October 3, 2026"
        enough = self._clause_is_enough(at)
        return end, enough and not phrase_breaks.inside_span(buffer.piece(at, _LONGEST_FORMULA))

    def _clause_is_enough(self, at: int) -> bool:
        """Whether the piece up to ``at`` is long enough to be spoken on its own."""
        if at > self._counted:
            self._clause.add(self._buffer.text[self._counted : at])
            self._counted = at
        return self._clause.enough

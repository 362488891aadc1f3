"""The text a splitter is reading: what has come of it, and a clear word where more has to come first."""

import re

import msgspec

_WORD = re.compile(r"[\"'“‘«„¿¡*_(\[]{0,4}((?:[^\W_]|['’.-](?=[^\W_]))*)", re.UNICODE)
_LONGEST_WORD = 32


class NeedMore(Exception):
    """What follows decides, and it has not come yet."""


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A word and the character right behind it, "" at the end of the text or of the ``_LONGEST_WORD`` looked at."""

    text: str
    mark: str


class Window:
    """The text from the piece that is being read on; indices count from its first character that is kept."""

    def __init__(self) -> None:
        self.text = ""
        self.start = 0
        self.ended = False

    def at(self, index: int) -> str:
        """The character there, "" behind the end; raises ``NeedMore`` where it has not come."""
        if index < len(self.text):
            return self.text[index]
        if self.ended:
            return ""
        raise NeedMore

    def piece(self, end: int, length: int) -> str:
        """The last ``length`` characters before ``end`` that belong to this piece."""
        return self.text[max(self.start, end - length) : end]

    def skip(self, characters: frozenset[str], start: int) -> int:
        """Behind a run of ``characters``; it is cut off where it is longer than any that means something."""
        end = start
        while end < start + 16 and self.at(end) in characters:
            end += 1
        return end

    def skip_space(self, start: int) -> int:
        """The first character after white space; the last white space if there is a line break or a lot of it."""
        for index in range(start, start + 8):
            following = self.at(index)
            if not following.isspace() or following == "\n":
                return index
        return start + 7

    def word(self, start: int) -> Word:
        """The word there, without the quotation marks before it."""
        found = _WORD.match(self.text, start, start + _LONGEST_WORD)
        assert found is not None, "every part of the pattern may be empty"
        end = found.end()
        # Full stops and apostrophes inside a word are told from those behind it by the character after them.
        if end < start + _LONGEST_WORD and self.at(end) in ".'’-" and self.at(end):
            self.at(end + 1)
        return Word(text=found[1], mark=self.text[end : end + 1])

    def closing(self, mark: str, start: int, limit: int) -> int | None:
        """Where ``mark`` is, if it is on this line and at most ``limit`` characters away."""
        end = start + limit
        found = self.text.find(mark, start, end)
        if self.text.find("\n", start, found if found >= 0 else end) >= 0:
            return None
        if found < 0 and len(self.text) < end and not self.ended:
            raise NeedMore
        return found if found >= 0 else None

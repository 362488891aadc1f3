"""The received but not yet emitted text, with bounded look-ahead; signals when a decision needs more text."""

import re

import msgspec

_WORD = re.compile(r"[\"'“‘«„¿¡*_(\[]{0,4}((?:[^\W_]|['’.-](?=[^\W_]))*)", re.UNICODE)
_LONGEST_WORD = 32


class NeedMoreText(Exception):
    """The decision depends on text that has not arrived yet."""


class NextWord(msgspec.Struct, frozen=True, kw_only=True):
    """A word and the character after it, "" at the end of the text or after ``_LONGEST_WORD`` characters."""

    text: str
    mark: str


class LookaheadBuffer:
    """Text from the start of the current piece on; indices count from the first character that is still held."""

    def __init__(self) -> None:
        self.text = ""
        self.start = 0
        self.ended = False

    def at(self, index: int) -> str:
        """The character at ``index``, "" after the end of the text; raises ``NeedMoreText`` if it has not arrived."""
        if index < len(self.text):
            return self.text[index]
        if self.ended:
            return ""
        raise NeedMoreText

    def piece(self, end: int, length: int) -> str:
        """Up to ``length`` characters before ``end``, only from the current piece."""
        return self.text[max(self.start, end - length) : end]

    def skip(self, characters: frozenset[str], start: int) -> int:
        """The index after a run of ``characters`` from ``start`` on; reads at most 16 of them."""
        end = start
        while end < start + 16 and self.at(end) in characters:
            end += 1
        return end

    def skip_space(self, start: int) -> int:
        """The index of the first character after white space, of a line break, or of the eighth white space."""
        for index in range(start, start + 8):
            following = self.at(index)
            if not following.isspace() or following == "\n":
                return index
        return start + 7

    def word(self, start: int) -> NextWord:
        """The word at ``start``, without quotation marks before it."""
        found = _WORD.match(self.text, start, start + _LONGEST_WORD)
        assert found is not None, "the pattern matches the empty string"
        end = found.end()
        # A full stop or an apostrophe is inside the word only if another letter follows.
        if end < start + _LONGEST_WORD and self.at(end) in ".'’-" and self.at(end):
            self.at(end + 1)
        return NextWord(text=found[1], mark=self.text[end : end + 1])

    def closing(self, mark: str, start: int, limit: int) -> int | None:
        """The index of ``mark`` if it is on the same line and within ``limit`` characters, else ``None``."""
        end = start + limit
        found = self.text.find(mark, start, end)
        if self.text.find("\n", start, found if found >= 0 else end) >= 0:
            return None
        if found < 0 and len(self.text) < end and not self.ended:
            raise NeedMoreText
        return found if found >= 0 else None

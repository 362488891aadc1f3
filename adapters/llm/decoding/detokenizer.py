"""Turns token ids into text as they come, whole characters and words only; pure.

A token is decoded together with those before it: SentencePiece-like tokenizers write the space of a word only where
something precedes it, and the bytes of one character may lie in several tokens. Only a short window is decoded again
for every token, so that the work grows with the length of the answer (as text-generation-inference and vLLM do it).
"""

from collections.abc import Callable, Iterable

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"  # what tokenizers write for bytes that are no character (yet)
_MOST_WAITING = 4  # tokens that one character can be made of: UTF-8 has at most four bytes
_MOST_WINDOW = 16  # tokens


class Detokenizer:
    """The text of one answer: ``feed`` the ids as they are generated, then ``finish``.

    ``decode`` turns ids into text, special tokens included and spaces untouched.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._window: list[int] = []  # what is decoded: some tokens that are said already, and those that wait
        self._new = 0  # how many at its end came since it was last shortened
        self._waiting = 0  # tokens since something was said
        self._said = 0  # characters of the decoded window

    def feed(self, ids: Iterable[int]) -> str:
        """What ``ids`` add to the text."""
        return "".join(map(self._add, ids))

    def finish(self) -> str:
        """What was held back: bytes that became no character."""
        return self._say(self._decode(self._window), complete=True) if self._window else ""

    def _add(self, token: int) -> str:
        self._window.append(token)
        self._new += 1
        self._waiting += 1
        text = self._decode(self._window)
        complete = not text.endswith(_INCOMPLETE) or self._waiting > _MOST_WAITING
        said = self._say(text, complete=complete)
        if complete and (said or len(self._window) > _MOST_WINDOW):
            del self._window[: -self._new]
            self._said = len(self._decode(self._window))
            self._new = 0
        return said

    def _say(self, text: str, *, complete: bool) -> str:
        sure = text if complete else text.rstrip(_INCOMPLETE)
        said, self._said = sure[self._said :], max(self._said, len(sure))
        if said:
            self._waiting = 0
        return said

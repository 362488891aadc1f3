"""Turns token ids into text as they are generated, in whole characters; pure.

A token is decoded together with the tokens before it: tokenizers of SentencePiece's kind write the space before a word
only where something precedes it, and the bytes of one character may be spread over several tokens. For every token only
a short window is decoded again, so that the work is linear in the length of the answer (as text-generation-inference
and vLLM do it).
"""

from collections.abc import Callable, Iterable

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"  # what tokenizers write for bytes that are no character, or not yet
_MAX_WAITING = 4  # tokens of one character: UTF-8 has at most four bytes
_MAX_WINDOW = 16  # tokens


class Detokenizer:
    """The text of one answer: ``feed`` the ids as they are generated, then ``finish``.

    ``decode`` turns ids into text, with special tokens and with spaces untouched.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._window: list[int] = []  # the tokens that are decoded: some are passed on already, some wait
        self._new = 0  # how many of them have come since the window was last shortened
        self._waiting = 0  # tokens since text was last passed on
        self._passed_on = 0  # characters of the decoded window

    def feed(self, ids: Iterable[int]) -> str:
        """What ``ids`` add to the text."""
        return "".join(map(self._add, ids))

    def finish(self) -> str:
        """What was held back: bytes that became no character."""
        return self._pass_on(self._decode(self._window), complete=True) if self._window else ""

    def _add(self, token: int) -> str:
        self._window.append(token)
        self._new += 1
        self._waiting += 1
        text = self._decode(self._window)
        complete = not text.endswith(_INCOMPLETE) or self._waiting > _MAX_WAITING
        added = self._pass_on(text, complete=complete)
        if complete and (added or len(self._window) > _MAX_WINDOW):
            del self._window[: -self._new]
            self._passed_on = len(self._decode(self._window))
            self._new = 0
        return added

    def _pass_on(self, text: str, *, complete: bool) -> str:
        certain = text if complete else text.rstrip(_INCOMPLETE)
        added, self._passed_on = certain[self._passed_on :], max(self._passed_on, len(certain))
        if added:
            self._waiting = 0
        return added

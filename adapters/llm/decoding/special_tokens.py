"""Finds special tokens and the tags of reasoning in a model's text that arrives in pieces; pure."""

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from adapters.llm import reasoning

HARMONY = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>")

_TOKENS = ("</s>", "<s>", "<bos>", "<eos>", "<pad>", "<start_of_turn>", "<end_of_turn>", "<turn|>", "<tool_call|>")
# Other special tokens are recognised by their form; DeepSeek's have wide bars.
_TOKEN = re.compile(r"<\|[\w.:/-]{1,40}\|?>|<｜[^｜<>\s]{1,40}｜>")
_TOKEN_START = re.compile(r"<(?:\|(?:[\w.:/-]{0,40}|[\w.:/-]{1,40}\|)|｜[^｜<>\s]{0,40}|｜[^｜<>\s]{1,40}｜)?")
_MAX_TOKEN = 48  # characters that a token of these forms may have


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Where a special token is in a text; when not ``complete``, the text ends with what may become one."""

    start: int
    end: int
    complete: bool


class SpecialTokenFinder:
    """Finds the special tokens called ``names``, and all that have the form of one."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._beginnings = frozenset(name[:size] for name in names for size in range(1, len(name)))
        self._sizes = sorted({len(name) for name in names}, reverse=True)
        # Two characters with which a token begins, or one at the end of the text.
        starts = sorted({name[:2] for name in names} | {"<|", "<｜"})
        first = re.escape("".join(sorted({start[0] for start in starts})))
        self._candidate = re.compile("|".join((*map(re.escape, starts), f"[{first}]\\Z")))

    def find(self, text: str) -> Iterator[Found]:
        """The special tokens of ``text`` in order; an incomplete one is the last."""
        at = 0
        while candidate := self._candidate.search(text, at):
            at = candidate.start()
            token, complete = self._token_at(text, at)
            if token:
                yield Found(start=at, end=at + len(token), complete=complete)
            if token and not complete:
                return
            at += len(token) or 1

    def without_last(self, text: str) -> str:
        """``text`` without the special tokens at its end and the white space around them."""
        end = len(text)
        while (at := self._last(text, end)) is not None:
            end = at
        return text[:end]

    def _token_at(self, text: str, at: int) -> tuple[str, bool]:
        """The token at ``at`` and whether it is complete; an empty text for an ordinary character."""
        rest = text[at : at + max(_MAX_TOKEN, self._sizes[0])]
        if rest in self._beginnings:
            return rest, False  # a longer one may follow, even where a short one is complete
        if found := next((rest[:size] for size in self._sizes if rest[:size] in self._names), None):
            return found, True
        if token := _TOKEN.match(rest):
            return token[0], True
        return (rest, False) if _TOKEN_START.fullmatch(rest) else ("", False)

    def _last(self, text: str, end: int) -> int | None:
        """Where the special token at the end of ``text[:end]`` begins, and the white space before it ends."""
        while end and text[end - 1].isspace():
            end -= 1
        starts = (end - size for size in self._sizes if size <= end)
        if (at := next((at for at in starts if text[at:end] in self._names), None)) is not None:
            return at
        at = text.rfind("<", max(0, end - _MAX_TOKEN), end)
        return at if at >= 0 and _TOKEN.fullmatch(text, at, end) else None


@lru_cache(maxsize=16)
def finder(more: frozenset[str]) -> SpecialTokenFinder:
    """The finder of the tokens and tags that any model may write, and of ``more``."""
    return SpecialTokenFinder(frozenset((*reasoning.TAGS, *reasoning.CLOSING_TAGS, *HARMONY, *_TOKENS)) | more)

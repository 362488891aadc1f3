"""The tags and tokens that models write into their text, and finding them in text that comes in pieces; pure."""

import re
from functools import lru_cache

# What opens thinking, and what closes it again.
TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",  # Amazon Nova
    "<thought>": "</thought>",  # EXAONE, Gemini
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "<longcat_think>": "</longcat_think>",  # LongCat
    "[THINK]": "[/THINK]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi-VL
    "<|think:start|>": "<|think:end|>",
    "<|open|>think<|sep|>": "<|close|>think<|sep|>",  # Kimi K3
    "<|channel>thought": "<channel|>",  # Gemma 4
}
CLOSING = frozenset(TAGS.values())
# These could be markup that is talked about: they open thinking only where an answer begins.
AT_THE_BEGINNING = frozenset(("<thinking>", "<thought>"))

HARMONY = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>")

_TOKENS = ("</s>", "<s>", "<bos>", "<eos>", "<pad>", "<start_of_turn>", "<end_of_turn>", "<turn|>", "<tool_call|>")
# Other special tokens are told by their form, DeepSeek's by its wide bars.
_TOKEN = re.compile(r"<\|[\w.:/-]{1,40}\|?>|<｜[^｜<>\s]{1,40}｜>")
_TOKEN_BEGINS = re.compile(r"<(?:\|(?:[\w.:/-]{0,40}|[\w.:/-]{1,40}\|)|｜[^｜<>\s]{0,40}|｜[^｜<>\s]{1,40}｜)?")


class Markers:
    """Finds the markers in a text."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._beginnings = frozenset(name[:size] for name in names for size in range(1, len(name)))
        self._sizes = sorted({len(name) for name in names}, reverse=True)
        self.candidate = re.compile("[" + re.escape("".join(sorted({name[0] for name in names}))) + "]")

    def at(self, text: str, at: int) -> tuple[str, bool]:
        """The marker at ``at`` and whether it is complete; none for an ordinary character."""
        rest = text[at : at + max(48, self._sizes[0])]
        if rest in self._beginnings:
            return rest, False  # a longer one may come, also where a short one is complete
        if found := next((rest[:size] for size in self._sizes if rest[:size] in self._names), None):
            return found, True
        if token := _TOKEN.match(rest):
            return token[0], True
        return (rest, False) if _TOKEN_BEGINS.fullmatch(rest) else ("", False)

    def without_last(self, text: str) -> str:
        """``text`` without the markers at its end and the white space around them."""
        while (at := self._last(text)) is not None:
            text = text[:at]
        return text

    def _last(self, text: str) -> int | None:
        end = text.rstrip()
        if found := next((size for size in self._sizes if end[-size:] in self._names), None):
            return len(end) - found
        at = end.rfind("<")
        return at if at >= 0 and _TOKEN.fullmatch(end, at) else None


def is_marker(token: str) -> bool:
    """Whether a special token can be told from words by its name: some are plain letters or spaces."""
    return len(token) > 2 and not token.replace(" ", "").isalnum()


@lru_cache(maxsize=16)
def markers(more: frozenset[str]) -> Markers:
    """The markers of every model, and ``more``."""
    return Markers(frozenset((*TAGS, *CLOSING, *HARMONY, *_TOKENS)) | more)

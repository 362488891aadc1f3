"""Tells a hallucination of Whisper from what was said: silence, low probability, loops; pure."""

import zlib
from collections.abc import Sequence

import msgspec

MAX_COMPRESSION_RATIO = 2.4
MIN_LOGPROB = -1.0
MAX_NO_SPEECH = 0.6

_LOOP_REPEATS = 4
_LOOP_TOKENS = 12
"""A loop is a sequence of tokens that comes at least so often in a row, and is at least so long in all."""

_LONGEST_UNIT = 16  # tokens of what is repeated


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """What the model wrote for one window, and how sure it is; ``temperature`` is that of the sampling.

    ``is_full`` when it wrote as much as it can at once, and no end: more may have been said.
    """

    tokens: tuple[int, ...]
    text: str
    avg_logprob: float
    no_speech_prob: float
    temperature: float
    is_full: bool

    @property
    def compression_ratio(self) -> float:
        """How well the text compresses: a loop compresses well."""
        data = self.text.encode()
        return len(data) / len(zlib.compress(data))

    @property
    def has_loop(self) -> bool:
        """Whether something is repeated over and over."""
        return len(without_loops(self.tokens)) < len(self.tokens)

    @property
    def is_silence(self) -> bool:
        """Whether nobody speaks: what was written then is invented."""
        return self.no_speech_prob > MAX_NO_SPEECH and self.avg_logprob < MIN_LOGPROB

    @property
    def is_doubtful(self) -> bool:
        """Whether it should be decoded again in another way."""
        if self.is_silence:
            return False
        unsure = self.avg_logprob < MIN_LOGPROB or self.compression_ratio > MAX_COMPRESSION_RATIO
        return unsure or self.has_loop


def best(candidates: Sequence[Decoded]) -> Decoded:
    """Of several that are all doubtful the most likely one, but one without a loop if there is any."""
    plain = [each for each in candidates if each.compression_ratio <= MAX_COMPRESSION_RATIO]
    return max(plain or candidates, key=lambda each: each.avg_logprob)


def without_loops(tokens: Sequence[int]) -> tuple[int, ...]:
    """``tokens`` with one of each sequence that is repeated over and over."""
    kept: list[int] = []
    at = 0
    while at < len(tokens):
        unit, repeats = _loop(tokens, at)
        kept += tokens[at : at + unit]
        at += unit * repeats
    return tuple(kept)


def _loop(tokens: Sequence[int], at: int) -> tuple[int, int]:
    """The length of what is repeated from ``at`` on, and how often; one token, once, where there is no loop."""
    for unit in range(1, _LONGEST_UNIT + 1):
        repeats = 1
        while tokens[at + repeats * unit : at + (repeats + 1) * unit] == tokens[at : at + unit] != tokens[:0]:
            repeats += 1
        if repeats >= _LOOP_REPEATS and repeats * unit >= _LOOP_TOKENS:
            return unit, repeats
    return 1, 1

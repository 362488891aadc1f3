"""How many words of a transcript are wrong."""

import re
from collections.abc import Sequence


def error_rate(said: Sequence[str], heard: Sequence[str]) -> float:
    """Words that are wrong, missing or too many, for each word that was said; without capitals and punctuation."""
    pairs = [(_words(one), _words(other)) for one, other in zip(said, heard, strict=True)]
    return sum(_distance(*pair) for pair in pairs) / sum(len(one) for one, _ in pairs)


def _words(text: str) -> list[str]:
    return re.sub(r"[^\w ]", "", text.lower().replace("-", " ")).split()


def _distance(said: list[str], heard: list[str]) -> int:
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(heard, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (word != other))
    return row[-1]

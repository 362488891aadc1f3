"""Makes segments of words with times, for recognisers that give only those; pure."""

from collections.abc import Iterable, Iterator, Sequence

from adapters.contract import stt

_ENDS = tuple(".?!…。？！।؟")
_CLOSING = "\"'”’»)]」』"
PAUSE_SECONDS = 1.0
"""A silence this long ends a segment without a full stop."""

MOST_WORDS = 40
"""A segment that has no end in so many words is cut: it is shown as a subtitle."""


def segments_of(words: Sequence[stt.Word], joint: str = " ") -> tuple[stt.Segment, ...]:
    """About one segment a sentence; ``joint`` stands between the words of the text."""
    return tuple(
        stt.Segment(text=joint.join(word.text for word in group), start=group[0].start, end=group[-1].end)
        for group in _sentences(words)
    )


def _sentences(words: Iterable[stt.Word]) -> Iterator[list[stt.Word]]:
    group: list[stt.Word] = []
    for word in words:
        if group and (_is_end(group[-1]) or word.start - group[-1].end >= PAUSE_SECONDS or len(group) >= MOST_WORDS):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _is_end(word: stt.Word) -> bool:
    return word.text.rstrip(_CLOSING).endswith(_ENDS)

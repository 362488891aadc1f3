"""Pure: writes segments or words with times as subtitles, in the formats SubRip (srt) and WebVTT (vtt)."""

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from adapters.contract import stt
from gateway.text.segmentation.punctuation import TERMINATORS

PAUSE_SECONDS = 1.0
"""A silence this long between two words ends a cue."""

MOST_CHARACTERS = 84
"""Of a cue made of words: two lines of 42, the usual size of subtitles."""

_ARROW = re.compile("-{2,}>")


class Cue(msgspec.Struct, frozen=True, kw_only=True):
    """A subtitle: one line of text, shown from ``start`` to ``end`` (milliseconds), ``end`` later than ``start``."""

    start: int
    end: int
    text: str


def cues(text: str, segments: Sequence[stt.Segment], words: Sequence[stt.Word]) -> list[Cue]:
    """The cues of the transcript ``text``: one for each segment, or groups of words where there are no segments."""
    if segments:
        return [_cue(each.start, each.end, each.text) for each in segments if each.text.strip()]
    joint = " " if any(map(str.isspace, text.strip())) else ""  # some languages have none between words
    return [_cue(group[0].start, group[-1].end, joint.join(_texts(group))) for group in _groups(words)]


def _cue(start: float, end: float, text: str) -> Cue:
    begins = round(max(start, 0.0) * 1000)
    return Cue(start=begins, end=max(round(end * 1000), begins + 1), text=" ".join(text.split()))


def _texts(words: Iterable[stt.Word]) -> list[str]:
    return [word.text.strip() for word in words]


def _groups(words: Iterable[stt.Word]) -> Iterator[list[stt.Word]]:
    """Words until the end of a sentence, a pause, or as many as a cue holds."""
    group: list[stt.Word] = []
    for word in words:
        if not word.text.strip():
            continue
        if group and (
            word.start - group[-1].end >= PAUSE_SECONDS
            or _texts(group)[-1][-1] in TERMINATORS
            or len(" ".join(_texts([*group, word]))) > MOST_CHARACTERS
        ):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def srt(cues: Iterable[Cue]) -> str:
    """The cues as SubRip; an arrow in a text would be read as a time."""
    return "".join(
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{_ARROW.sub('->', cue.text)}\n\n"
        for number, cue in enumerate(cues, start=1)
    )


def vtt(cues: Iterable[Cue]) -> str:
    """The cues as WebVTT, in whose texts ``&``, ``<`` and ``>`` are markup."""
    return "WEBVTT\n\n" + "".join(
        f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{_escaped(cue.text)}\n\n" for cue in cues
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"

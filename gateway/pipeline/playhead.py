"""Tracks how much of an answer was played, so that interrupted answers are stored truncated."""

import asyncio
from collections.abc import Iterator

from gateway.text.segmentation.segmenter import SentenceSegmenter
from gateway.text.speech_duration import seconds_to_say

INAUDIBLE_SECONDS = 0.05
"""An utterance counts as heard when at most this much of it is missing."""


class _Utterance:
    def __init__(self, text: str) -> None:
        self.text = text
        self.made = 0.0
        self.complete = False


class SpokenText:
    """What of a spoken text lies within so many seconds of its audio; letters count as spoken at an even pace."""

    def __init__(self) -> None:
        self._utterances: list[_Utterance] = []

    def begin(self, text: str) -> None:
        """The next utterance begins; ``text`` is what the model wrote."""
        self._utterances.append(_Utterance(text))

    def made(self, seconds: float) -> None:
        """``seconds`` more audio of the utterance were made."""
        self._utterances[-1].made += seconds

    def complete(self) -> None:
        """All audio of the utterance was made; none if nothing in it can be spoken."""
        self._utterances[-1].complete = True

    def within(self, seconds: float) -> str:
        """The written text that is spoken in the first ``seconds``, up to the end of a word."""
        return "".join(self._within(seconds))

    def _within(self, seconds: float) -> Iterator[str]:
        for utterance in self._utterances:
            whole = utterance.made if utterance.complete else max(utterance.made, seconds_to_say(utterance.text))
            if utterance.complete and seconds >= whole - INAUDIBLE_SECONDS:
                yield utterance.text
                seconds = max(0.0, seconds - whole)
            else:
                yield _words(utterance.text, min(1.0, seconds / whole) if whole else 0.0)
                return


class Playhead(SpokenText):
    """For one answer: its utterances with the audio made of each, and the seconds that were sent of it in all."""

    def __init__(self) -> None:
        super().__init__()
        self._first_sent_at: float | None = None
        self.sent_seconds = 0.0

    def sent(self, seconds: float) -> None:
        """``seconds`` more audio were sent to the listener."""
        if self._first_sent_at is None:
            self._first_sent_at = asyncio.get_running_loop().time()
        self.sent_seconds += seconds

    def text(self) -> str:
        """The written text that can have been heard by now, up to the end of a word; "" before any audio was sent.

        That is as much as was sent, but no more than fits into the time since the first audio was sent.
        """
        if self._first_sent_at is None:
            return ""
        since = asyncio.get_running_loop().time() - self._first_sent_at
        return self.within(min(self.sent_seconds, since))


def _words(text: str, part: float) -> str:
    """The first ``part`` (0 to 1) of ``text`` without the word that is cut there."""
    splitter = SentenceSegmenter()
    pieces = splitter.feed(text[: int(part * len(text)) + 1])
    return "".join(pieces) + (splitter.take_words() or "")

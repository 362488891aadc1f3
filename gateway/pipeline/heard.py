"""What of a spoken answer the listener can have heard: that is what is remembered of one that was interrupted."""

import asyncio
from collections.abc import Iterator

from gateway.text.segmentation.segmenter import SentenceSegmenter
from gateway.text.speech_duration import seconds_to_say

INAUDIBLE_SECONDS = 0.05
"""So much may be missing of an utterance that counts as heard."""


class _Utterance:
    def __init__(self, text: str) -> None:
        self.text = text
        self.made = 0.0
        self.complete = False


class Heard:
    """Takes down, for one answer, the utterances as they were written, the audio made of each, and what of it was sent.

    Whoever runs the turn makes it and may ask it at any time, most of all when the listener has gone.
    """

    def __init__(self) -> None:
        self._utterances: list[_Utterance] = []
        self._first_sent_at: float | None = None
        self._sent = 0.0

    def begin(self, text: str) -> None:
        """The next utterance is to be spoken; ``text`` is what the model wrote."""
        self._utterances.append(_Utterance(text))

    def made(self, seconds: float) -> None:
        """So much more audio of the utterance was made."""
        self._utterances[-1].made += seconds

    def complete(self) -> None:
        """All audio of the utterance was made, none if there is nothing to say in it."""
        self._utterances[-1].complete = True

    def sent(self, seconds: float) -> None:
        """So much more audio has gone out to the listener."""
        if self._first_sent_at is None:
            self._first_sent_at = asyncio.get_running_loop().time()
        self._sent += seconds

    def text(self) -> str:
        """The written text that can have been heard by now, up to the end of a word; "" before any audio went out.

        Its audio fits into the smaller of what was sent and the time since the first was. Within an utterance, letters
        are taken to be spoken at an even pace.
        """
        if self._first_sent_at is None:
            return ""
        since = asyncio.get_running_loop().time() - self._first_sent_at
        return "".join(self._within(min(self._sent, since)))

    def _within(self, seconds: float) -> Iterator[str]:
        for utterance in self._utterances:
            whole = utterance.made if utterance.complete else max(utterance.made, seconds_to_say(utterance.text))
            if utterance.complete and seconds >= whole - INAUDIBLE_SECONDS:
                yield utterance.text
                seconds = max(0.0, seconds - whole)
            else:
                yield _words(utterance.text, min(1.0, seconds / whole) if whole else 0.0)
                return


def _words(text: str, part: float) -> str:
    """The first ``part`` (0 to 1) of ``text`` without the word that is cut there."""
    splitter = SentenceSegmenter()
    pieces = splitter.feed(text[: int(part * len(text)) + 1])
    return "".join(pieces) + (splitter.take_words() or "")

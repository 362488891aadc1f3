"""Cuts written text into utterances and decides when each is spoken, so that speech begins early and has no gaps."""

import asyncio
from collections import deque

import msgspec

from gateway.text.segmentation.segmenter import SentenceSegmenter
from gateway.text.speech_duration import seconds_to_say

DRY_MARGIN_SECONDS = 0.5
"""With less than this left to hear when the next samples can be there, what is written is spoken, whole or not."""

SHORTEST_FRAGMENT_SECONDS = 1.2
"""Of speech, three or four words: less of a sentence that is still being written is not spoken, unless as a clause."""

LONGER_FRAGMENT_SECONDS = 2.4
LONGEST_FRAGMENT_SECONDS = 3.6
"""So much is waited for after gaps: a slow model had better pause less often; the longest only in a gap itself."""

GROWTH = 4.0
"""An utterance may last so many times as long as what is unheard: some engines give nothing before they made it all."""

LONGEST_BATCH = 1_000
"""Characters of a batch: engines have limits, and a long utterance is heard late."""

MOST_PENDING = 64
"""So many sentences may wait for synthesis before the model is made to wait."""


class Pacing(msgspec.Struct, frozen=True, kw_only=True):
    """When to speak: sentences in a batch, and seconds after the first text until the words so far are spoken.

    ``by_clause``: the text comes a clause at a time, so that the first can be spoken as it comes.
    """

    batch_sentences: int
    first_utterance_seconds: float
    by_clause: bool = False


class UtteranceGate:
    """Holds the speech of an answer back: the first ``count`` utterances pass, all others once it is open."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._opened = asyncio.Event()

    def open(self) -> None:
        """Let everything pass from now on."""
        self._opened.set()

    async def enter(self) -> None:
        """Wait until another utterance may be spoken."""
        if self._left > 0:
            self._left -= 1
        else:
            await self._opened.wait()


class UtteranceScheduler:
    """Text in as it is written, utterances out when it is time for them; joined, the utterances are the text.

    The first utterance is spoken as soon as there is a clause or a sentence, and after ``first_utterance_seconds`` with
    the words written so far. After that ``batch_sentences`` are gathered. When the listener would run dry meanwhile,
    what has been written is spoken: sentences, else clauses, else a few words. A ``gate`` holds utterances back.
    """

    def __init__(self, pacing: Pacing, gate: UtteranceGate | None = None) -> None:
        self._gate = gate
        self._batch = pacing.batch_sentences
        self._first_seconds = pacing.first_utterance_seconds
        self._by_clause = pacing.by_clause
        self._splitter = SentenceSegmenter(first_clause=True)
        self._sentences: deque[str] = deque()
        self._words = ""  # of the sentence that is being written, already out of the splitter
        self._closed = False
        self._changed = asyncio.Event()
        # Times of the loop: when something must be spoken, when all that was spoken is heard, and when the utterance
        # was given that has no samples yet; then the seconds that the one before took to its first samples.
        self._due: float | None = None
        self._heard_by: float | None = None
        self._given: float | None = None
        self._delay = 0.0
        self._gaps = 0

    def write(self, text: str) -> None:
        """Add the next piece of the answer."""
        first = self._due is None
        sentences = [text] if first and self._by_clause else self._splitter.feed(text)
        self._keep(sentences)
        if first:
            self._due = _now() + self._first_seconds
        if first or sentences or self._is_due():
            self._changed.set()

    def close(self) -> None:
        """Nothing more will be written."""
        self._keep(self._splitter.finish() or [""])  # with words that are out of the splitter already
        self._closed = True
        self._changed.set()

    def spoken(self, seconds: float) -> None:
        """Note that so much audio of the utterance given last is on its way to the listener."""
        now = _now()
        heard_by = now if self._heard_by is None else self._heard_by
        if self._given is not None:
            self._delay, self._given = now - self._given, None
            self._gaps += now > heard_by
        self._heard_by = max(now, heard_by) + seconds
        self._due = self._heard_by - self._delay - DRY_MARGIN_SECONDS

    async def room(self) -> None:
        """Wait until there is room for another sentence."""
        while len(self._sentences) >= MOST_PENDING and not self._closed:
            self._changed.clear()
            await self._changed.wait()

    async def utterance(self) -> str | None:
        """The next text to speak, or ``None`` when all has been said."""
        if self._gate is not None:
            await self._gate.enter()
        while True:
            due = self._is_due()  # one look at the clock for both: what became due between two would never be spoken
            text = self._next(due=due)
            if text is not None or self._closed:
                break
            await self._change(None if due else self._due)
        self._given = _now()
        self._changed.set()
        return text

    def _keep(self, sentences: list[str]) -> None:
        if sentences:
            sentences[0] = self._words + sentences[0]
            self._words = ""
            self._sentences.extend(filter(None, sentences))

    def _is_due(self) -> bool:
        return self._due is not None and _now() >= self._due

    def _next(self, *, due: bool) -> str | None:
        """What is to be spoken now, if anything; ``due``: something must be."""
        urgent = due or self._closed or self._heard_by is None
        text = ""
        if self._sentences and (urgent or len(self._sentences) >= self._batch):
            text = self._gathered()
        if due and not self._sentences and seconds_to_say(text) < SHORTEST_FRAGMENT_SECONDS:
            text += self._fragment(text)
        return text or None

    def _gathered(self) -> str:
        """As many sentences as make a batch: the first goes alone, later ones grow with what is still unheard."""
        text = self._sentences.popleft()
        unheard = 0.0 if self._heard_by is None else self._heard_by - _now()
        for _ in range(self._batch - 1):
            longer = text + self._sentences[0] if self._sentences else ""
            if not longer or len(longer) > LONGEST_BATCH or seconds_to_say(longer) > GROWTH * unheard:
                break
            self._sentences.popleft()
            text = longer
        return text

    def _fragment(self, before: str) -> str:
        """Of the sentence that is being written, what is to be spoken after ``before``: clauses, else the words so far.

        Words only if there are enough of them, unless they are the first utterance.
        """
        self._words += self._splitter.take_phrase() or ""
        text = _clauses(self._words)
        if not text and seconds_to_say(before + self._words) >= self._enough():
            text = self._words
        self._words = self._words[len(text) :]
        return text

    def _enough(self) -> float:
        """Seconds of speech worth a fragment: more after every gap, as each shows that the model is slow."""
        if self._heard_by is None:
            return 0.0
        most = LONGEST_FRAGMENT_SECONDS if _now() >= self._heard_by else LONGER_FRAGMENT_SECONDS
        return min(most, SHORTEST_FRAGMENT_SECONDS * (1 + self._gaps))

    async def _change(self, until: float | None) -> None:
        """Wait for more text, at most until the loop's time ``until``."""
        self._changed.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._changed.wait()
        except TimeoutError:
            pass


def _clauses(text: str) -> str:
    """``text`` up to the end of its last clause, "" without one."""
    end = 0
    while clauses := SentenceSegmenter(first_clause=True).feed(text[end:]):
        end += len(clauses[0])
    return text[:end]


def _now() -> float:
    return asyncio.get_running_loop().time()

"""Partial transcripts of live audio: what two successive hypotheses agree on is stable and never taken back."""

from collections.abc import Sequence

from adapters.contract import stt
from adapters.stt.recognition import SAMPLE_RATE, RecognitionResult

WINDOW_SECONDS = 12.0
"""Audio that a hypothesis covers, whatever was said before: its cost is bounded.

It covers more only to catch up, when so much came since the last one.
"""

KEPT_SECONDS = 2.0
"""Stable audio that is kept before what is open, where there is room: words at its border are heard whole."""

WITHOUT_SPACES = frozenset({"ja", "lo", "my", "th", "yue", "zh"})
"""Languages whose words are written together."""

_SAMPLE_BYTES = 2
_BORDER_SECONDS = 0.5  # by which the times of a word may differ between two hypotheses
_BORDER_WORDS = 5
_PUNCTUATION = ".,;:!?…。、，！？\"'“”‘’«»()[]-—"


class Agreement:
    """Takes the audio of one recording (s16le mono at 16 kHz) and hypotheses of its end, and gives stable words.

    Each hypothesis is what was recognised, with the times of its words, in the ``window()`` before it.
    """

    def __init__(self) -> None:
        self._stable: list[stt.Word] = []
        self._open: list[stt.Word] = []  # of the last hypothesis, after the stable ones
        self._language: str | None = None
        self._pcm = bytearray()
        self._start = 0.0  # seconds of the recording that are no longer held
        self._covered = 0.0  # by the last window

    @property
    def seconds(self) -> float:
        """The audio so far."""
        return self._start + len(self._pcm) / _SAMPLE_BYTES / SAMPLE_RATE

    @property
    def has_hypothesis(self) -> bool:
        """Whether any audio was recognised; before that the window is all of it."""
        return self._covered > 0

    @property
    def is_covered(self) -> bool:
        """Whether the last window reached to the end of the audio so far."""
        return self._covered == self.seconds

    def feed(self, pcm: bytes) -> None:
        """More audio."""
        self._pcm += pcm

    def window(self) -> bytes:
        """The audio of the next hypothesis: from before the first word that is not stable, within the bound."""
        if self.has_hypothesis:
            settled = self._stable[-1].end if self._stable else 0.0
            unheard = self._covered - KEPT_SECONDS
            self._forget(max(settled - KEPT_SECONDS, min(self.seconds - WINDOW_SECONDS, unheard)))
            # The window has moved past words on which no two hypotheses agreed: the last one decides.
            passed = [word for word in self._open if word.end <= self._start]
            self._stable += passed
            self._open = self._open[len(passed) :]
        self._covered = self.seconds
        return bytes(self._pcm)

    def hypothesis(self, result: RecognitionResult) -> stt.PartialTranscript:
        """Compare what was recognised with the hypothesis before it."""
        words = self._after_stable(result)
        agreed = 0
        for old, new in zip(self._open, words, strict=False):
            if _plain(old.text) != _plain(new.text):
                break
            agreed += 1
        self._stable += words[:agreed]
        self._open = words[agreed:]
        return self.so_far()

    def so_far(self) -> stt.PartialTranscript:
        """The words of the last hypothesis."""
        stable, whole = self._text(self._stable), self._text([*self._stable, *self._open])
        return stt.PartialTranscript(stable=stable, unstable=whole[len(stable) :], language=self._language)

    def final(self) -> tuple[str, tuple[stt.Word, ...]]:
        """The whole text and its words, after the hypothesis of the last window."""
        words = (*self._stable, *self._open)
        return self._text(words), words

    def _after_stable(self, result: RecognitionResult) -> list[stt.Word]:
        """The words of a hypothesis after the stable ones, with times in the recording."""
        self._language = result.language
        words = [
            stt.Word(text=word.text, start=word.start + self._start, end=word.end + self._start)
            for word in result.words
        ]
        if not self._stable:
            return words
        # The times of one word differ a little between hypotheses: at the border words are compared by their text.
        border = self._stable[-1].end
        near = [word for word in words if _middle(word) > border - _BORDER_SECONDS]
        for count in range(min(len(near), len(self._stable), _BORDER_WORDS), 0, -1):
            known = [_plain(word.text) for word in self._stable[-count:]]
            if known == [_plain(word.text) for word in near[:count]]:
                return near[count:]
        return [word for word in near if _middle(word) > border]

    def _forget(self, until: float) -> None:
        """Drop the audio before ``until`` seconds."""
        samples = int((until - self._start) * SAMPLE_RATE)
        if samples > 0:
            del self._pcm[: samples * _SAMPLE_BYTES]
            self._start += samples / SAMPLE_RATE

    def _text(self, words: Sequence[stt.Word]) -> str:
        return ("" if self._language in WITHOUT_SPACES else " ").join(word.text for word in words)


def _middle(word: stt.Word) -> float:
    return (word.start + word.end) / 2


def _plain(text: str) -> str:
    """A word for comparison: punctuation and capitals change when the sentence goes on."""
    return text.strip(_PUNCTUATION).lower()

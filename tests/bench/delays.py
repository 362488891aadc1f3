"""What the stages of the benchmark say and how long they take; imports next to nothing."""

import msgspec

FIRST_SENTENCE = "Paris is the capital of France."
REST = " It lies on the Seine and about two million people live there today so there is a lot to see"
DELTAS = tuple(f"{word} " for word in f"{FIRST_SENTENCE}{REST}".split())
"""What the language model writes, a word at a time: two utterances, however they are gathered."""

_DECIDING = len(FIRST_SENTENCE.split())
"""The index of the word that tells that the first sentence is over."""


class Delays(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that the stages take."""

    hearing: float = 0.15
    """From the last sample to the transcript."""
    first_word: float = 0.2
    """From the model's request to its first word."""
    word: float = 0.02
    """From one word to the next."""
    speaking: float = 0.1
    """From an utterance to its first samples."""

    @property
    def first_audio(self) -> float:
        """Seconds until the first samples if nothing but the stages took time."""
        return self.hearing + self.first_word + _DECIDING * self.word + self.speaking

    @property
    def turn(self) -> float:
        """Seconds of a whole turn if nothing but the stages took time."""
        return self.hearing + self.first_word + len(DELTAS) * self.word + self.speaking

"""Decides whether a clause is long enough to be spoken on its own, counting every character once."""

from gateway.text.segmentation import punctuation

_WORDS, _LETTERS, _IDEOGRAPHS = 3, 12, 5


class ClauseLength:
    """Counts the words, letters and digits, and ideographs of a clause that arrives in parts."""

    def __init__(self) -> None:
        self._words = self._letters = self._ideographs = 0
        self._within_word = False

    def add(self, text: str) -> None:
        """Count the next part."""
        for character in text:
            if character.isalnum():
                self._letters += 1
                self._words += not self._within_word
                self._within_word = True
            elif character.isspace():
                self._within_word = False
        self._ideographs += len(punctuation.IDEOGRAPH.findall(text))

    @property
    def enough(self) -> bool:
        """Whether three words, twelve letters or digits, or five ideographs have come."""
        return self._words >= _WORDS or self._letters >= _LETTERS or self._ideographs >= _IDEOGRAPHS

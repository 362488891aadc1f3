"""Ends an answer at its stop strings, also where one is split over several pieces of text; pure.

As in OpenAI's API, the answer ends before the first stop string. Only the answer is searched: neither the reasoning nor
the arguments of calls.
"""


class StopStrings:
    """The stop strings of one answer: ``feed`` every piece of text, then ``finish``.

    Once one is ``found`` the answer is over, and all further text is dropped. How the text is cut changes nothing.
    """

    def __init__(self, strings: tuple[str, ...]) -> None:
        self._strings = tuple(string for string in strings if string)
        self._held = ""  # the beginning of what may become a stop string
        self.found = False

    def feed(self, text: str) -> str:
        """What is certainly part of the answer by now."""
        if self.found:
            return ""
        text = self._held + text
        # Of several the one that ends first, as if the text had arrived character by character.
        matches = [(at + len(string), at) for string in self._strings if (at := text.find(string)) >= 0]
        if matches:
            self.found, self._held = True, ""
            return text[: min(matches)[1]]
        held = max((_overlap(text, string) for string in self._strings), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def finish(self) -> str:
        """The text that was held back and is part of the answer."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, string: str) -> int:
    """How many characters at the end of ``text`` are the beginning of ``string``."""
    return next((size for size in range(min(len(text), len(string) - 1), 0, -1) if text.endswith(string[:size])), 0)

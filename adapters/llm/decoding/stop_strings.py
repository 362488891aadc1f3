"""Ends an answer at its stop strings, also where they lie over the borders of its pieces; pure.

As OpenAI has it, the answer ends before the first stop string, which is not part of it. What is searched is what the
model says: neither its thinking nor the arguments of its calls.
"""


class Stops:
    """The stop strings of one answer: ``feed`` every piece of text, then ``finish``.

    ``stopped`` says that one was found: the answer is over, whatever comes is dropped. How the text is cut changes
    nothing.
    """

    def __init__(self, strings: tuple[str, ...]) -> None:
        self._strings = tuple(string for string in strings if string)
        self._held = ""  # the beginning of what may become a stop string
        self.stopped = False

    def feed(self, text: str) -> str:
        """What is surely part of the answer by now."""
        if self.stopped:
            return ""
        text = self._held + text
        # Of several the one that ends first, as if the text had come by characters.
        found = [(at + len(string), at) for string in self._strings if (at := text.find(string)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)[1]]
        held = max((_overlap(text, string) for string in self._strings), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def finish(self) -> str:
        """What was held back and is part of the answer after all."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, string: str) -> int:
    """How many characters at the end of ``text`` are the beginning of ``string``."""
    return next((size for size in range(min(len(text), len(string) - 1), 0, -1) if text.endswith(string[:size])), 0)

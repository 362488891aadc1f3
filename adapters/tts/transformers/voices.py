"""The voices of several VITS models: one for each model, with ``+`` and a number for its speakers; pure."""

from collections.abc import Mapping

import msgspec

from adapters.contract.errors import InvalidRequest, Unsupported
from adapters.tts.openai_voices import OPENAI_VOICES

ADAPTER = "transformers"


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The model that speaks, and the number of its speaker."""

    model: str
    speaker: int


def voice_name(model: str) -> str:
    """The voice of a model: the last part of its hub id or path."""
    return model.rstrip("/").rpartition("/")[2]


class VoiceTable:
    """``speakers`` has the number of speakers of each model, the usual one first; ``languages`` the model of each."""

    def __init__(self, speakers: Mapping[str, int], languages: Mapping[str, str]) -> None:
        self._speakers = speakers
        self._models = {voice_name(model): model for model in speakers}
        self._languages = languages
        self.names = tuple(self._models)
        self.voice_languages = {voice_name(model): language for language, model in languages.items()}

    def chosen(self, name: str | None, language: str | None) -> Chosen:
        """What speaks; ``language`` decides where no voice is named and it has a model.

        Raises ``InvalidRequest`` for a voice and ``Unsupported`` for a language without a model.
        """
        usual = self.names[0]
        named = usual if name is None or name.lower() in OPENAI_VOICES else name
        base, plus, number = named.partition("+")
        model = self._models.get(base)
        speaker = int(number) if number.isdecimal() else 0
        if model is None or (plus and not (number.isdecimal() and speaker < self._speakers[model])):
            raise InvalidRequest(
                f"There is no voice {name!r}; take one of: {', '.join(self.names)}; or '+' and a number behind it "
                "where the model has several speakers.",
                adapter=ADAPTER,
                param="voice",
                code="invalid_value",
            )
        if language is not None and named != name:
            model = self._of_language(language, model)
        return Chosen(model=model, speaker=speaker)

    def _of_language(self, language: str, usual: str) -> str:
        code = language.lower().partition("-")[0]
        if not self._languages:
            return usual  # what it speaks is not known
        if code not in self._languages:
            raise Unsupported(
                f"No model of --tts_language_models speaks {language!r}, only {', '.join(sorted(self._languages))}.",
                adapter=ADAPTER,
                param="language",
            )
        return self._languages[code]

"""Which voice of an engine a name, or a language, stands for: OpenAI's names work everywhere, its own as they are."""

from collections.abc import Mapping

from adapters.contract import tts
from adapters.contract.errors import InvalidRequest
from adapters.tts.openai_voices import OPENAI_VOICES

NAMED_VOICES = 200
"""The most voices of an engine that a message names."""


def voice_names(info: tts.Info) -> list[str]:
    """The names that requests can give as ``voice``: OpenAI's, then the engine's own; each once."""
    return list(dict.fromkeys([*OPENAI_VOICES, *info.voices]))


def known_voice(info: tts.Info, name: str) -> str:
    """``name`` if the engine can speak with it, its default voice for an OpenAI name it has no alias for.

    A name of the engine may be followed by ``+`` and a variant that is the engine's own affair. An engine that does not
    know its voices, because a server has them, is given every name. Raises ``InvalidRequest`` with the choices.
    """
    if name and not info.voices:
        return name
    if name in info.aliases or name.partition("+")[0] in info.voices:
        return name
    if name in OPENAI_VOICES:
        return info.default_voice
    own = ", ".join(info.voices[:NAMED_VOICES]) + (" and others" if len(info.voices) > NAMED_VOICES else "")
    raise InvalidRequest(
        f"Invalid value: {name!r}. Supported values are: {', '.join(OPENAI_VOICES)}, and the engine's own: {own}.",
        param="voice",
        code="invalid_value",
    )


def language_of(info: tts.Info, voice: str) -> str | None:
    """The language (ISO 639-1) in which ``voice`` reads a text whose language nobody names, if that is known."""
    return info.voice_languages.get(info.aliases.get(voice, voice).partition("+")[0])


def voices_by_language(info: tts.Info, usual: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """The voice for each language (ISO 639-1) that ``usual`` does not speak and another voice of the engine does.

    ``wanted`` are the voices that the settings give to languages; they go first. Raises ``InvalidRequest`` for one that
    the engine lacks.
    """
    found = {language: known_voice(info, voice) for language, voice in wanted.items()}
    spoken = language_of(info, usual)
    if spoken is not None:
        found.setdefault(spoken, usual)
        alias = info.aliases.get(usual, "")
        _, plus, variant = ("", "", "") if alias in info.voices else alias.partition("+")
        for voice, language in info.voice_languages.items():
            found.setdefault(language, f"{voice}{plus}{variant}")
    return found

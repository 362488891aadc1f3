"""Which voice of an engine a name stands for: OpenAI's names work everywhere, the engine's own names as they are."""

from adapters.contract import tts
from adapters.contract.errors import InvalidRequest
from adapters.tts.openai_voices import OPENAI_VOICES


def voice_names(info: tts.Info) -> list[str]:
    """The names that requests can give as ``voice``: OpenAI's, then the engine's own; each once."""
    return list(dict.fromkeys([*OPENAI_VOICES, *info.voices]))


def known_voice(info: tts.Info, name: str) -> str:
    """``name`` if the engine can speak with it, its default voice for an OpenAI name it has no alias for.

    A name of the engine may be followed by ``+`` and a variant that is the engine's own affair. Raises
    ``InvalidRequest`` with the choices.
    """
    if name in info.aliases or name.partition("+")[0] in info.voices:
        return name
    if name in OPENAI_VOICES:
        return info.default_voice
    own = ", ".join(info.voices)
    raise InvalidRequest(
        f"Invalid value: {name!r}. Supported values are: {', '.join(OPENAI_VOICES)}, and the engine's own: {own}.",
        param="voice",
        code="invalid_value",
    )

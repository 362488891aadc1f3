"""Pure: the voices of a synthesiser on the wire."""

from adapters.contract import tts
from gateway.api.voices.schema import Voice
from gateway.engines.voices import voice_names


def voices_of(info: tts.Info) -> list[Voice]:
    """Every name that requests can give as ``voice``, with the language of the voice that it stands for."""
    return [
        Voice(id=name, name=name, language=info.voice_languages.get(_own_name(info, name)))
        for name in voice_names(info)
    ]


def _own_name(info: tts.Info, name: str) -> str:
    return name if name in info.voices else info.aliases.get(name, info.default_voice)

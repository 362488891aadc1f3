"""Pure: the voices of a synthesiser on the wire."""

from adapters.contract import tts
from gateway.api.voices.schema import Voice
from gateway.engines.voices import known_voice, language_of, voice_names


def voices_of(info: tts.Info) -> list[Voice]:
    """Every name that requests can give as ``voice``, with the language of the voice that it stands for."""
    return [
        Voice(id=name, name=name, language=language_of(info, known_voice(info, name))) for name in voice_names(info)
    ]

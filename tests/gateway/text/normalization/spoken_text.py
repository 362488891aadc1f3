"""What an engine gets to speak, for engines that read nothing, numbers, or everything themselves."""

from adapters.contract import tts
from gateway.text.normalization.normalizer import Normalizer, ReadingOptions


def _engine(*reads: tts.Readable) -> tts.Info:
    return tts.Info(sample_rate=8_000, voices=("v",), default_voice="v", reads=frozenset(reads))


READS_NOTHING = _engine()
READS_NUMBERS = _engine("numbers")
"""Reads digits itself, as espeak-ng does."""

READS_ALL = _engine("numbers", "notation")
"""Reads numbers and notation itself: only markup and unspeakable signs are removed for it."""


def spoken(text: str, language: str | None = "en", engine: tts.Info = READS_NUMBERS) -> str:
    """One utterance, normalized."""
    return Normalizer(ReadingOptions(), language, engine).normalize(text)


def spoken_in_turn(utterances: list[str], reading: ReadingOptions | None = None, language: str = "en") -> list[str]:
    """The utterances of one answer."""
    normalizer = Normalizer(reading or ReadingOptions(), language, READS_NUMBERS)
    return [normalizer.normalize(utterance) for utterance in utterances]

"""How a turn speaks: a request's voice, speed and style over the settings of its route."""

from collections.abc import Mapping

import msgspec

from gateway.conversation.conversation import Languages
from gateway.engines.route import ServedRoute
from gateway.engines.voices import known_voice, voices_by_language
from gateway.pipeline.speak import Delivery
from gateway.text.normalization.normalizer import ReadingOptions


class SpeechStyle(msgspec.Struct, frozen=True, kw_only=True):
    """How a turn speaks: voice, speed (1.0 is normal), style, and how written text is read aloud.

    ``voices_by_language`` (ISO 639-1) are used in place of ``voice`` for text in these languages. Nothing of what is
    ``private`` is cached.
    """

    voice: str
    voices_by_language: Mapping[str, str]
    speed: float
    instructions: str | None
    reading: ReadingOptions
    private: bool

    def delivery(self, languages: Languages) -> Delivery:
        """How a text is spoken in ``languages``."""
        language = languages.voice or languages.asked
        return Delivery(
            voice=self.voices_by_language.get(language or "", self.voice),
            speed=self.speed,
            instructions=self.instructions,
            voice_language=languages.voice,
            text_language=language,
            reading=self.reading,
            private=self.private,
        )


def speech_style(
    served: ServedRoute, *, voice: str | None, speed: float | None, instructions: str | None, private: bool = False
) -> SpeechStyle:
    """How the route speaks for a request; ``None`` leaves a choice to its settings.

    Raises ``InvalidRequest`` for a voice that its synthesiser lacks.
    """
    settings, info = served.route.settings, served.engines.tts.info
    usual = known_voice(info, voice or settings.voice)
    return SpeechStyle(
        voice=usual,
        voices_by_language={} if voice else voices_by_language(info, usual, settings.voices_by_language),
        speed=settings.speed if speed is None else speed,
        instructions=instructions,
        reading=ReadingOptions(code=settings.speak_code, pronunciations=settings.pronunciations),
        private=private,
    )

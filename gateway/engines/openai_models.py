"""OpenAI's names of the models of one stage: clients send them to any server, where they mean its default route."""

import re
from collections.abc import Mapping

from gateway.engines.route import Stage

OPENAI_MODELS: Mapping[Stage, tuple[str, ...]] = {
    "stt": (
        "whisper-1",
        "gpt-transcribe",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe",
        "gpt-4o-transcribe-diarize",
        "gpt-live-transcribe",
        "gpt-realtime-whisper",
    ),
    "llm": (
        "gpt-realtime",
        "gpt-realtime-mini",
        "gpt-realtime-1.5",
        "gpt-realtime-2",
        "gpt-realtime-2.1",
        "gpt-realtime-2.1-mini",
        "gpt-4o-realtime-preview",
        "gpt-4o-mini-realtime-preview",
    ),
    "tts": ("tts-1", "tts-1-hd", "gpt-4o-mini-tts"),
}
"""Without the date that some names end in: ``tts-1-1106``, ``gpt-4o-mini-tts-2025-12-15``."""

_DATE = re.compile(r"-\d{4}(-\d{2}-\d{2})?$")


def is_openai_model(stage: Stage, name: str) -> bool:
    """Whether ``name`` is one of OpenAI's models for ``stage``, dated or not."""
    return _DATE.sub("", name) in OPENAI_MODELS.get(stage, ())

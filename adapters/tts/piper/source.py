"""Where Piper's voices come from: files of the user, or repositories of the hub."""

import re
from pathlib import Path

from adapters.local import hub
from adapters.local.weights import HubFiles, Source

VOICES = "rhasspy/piper-voices"
"""The repository of the project's own voices."""

DEFAULT_VOICE = "en_US-ljspeech-medium"
"""The voice when none is named: 63 MB, made from recordings in the public domain."""

_NAME = re.compile(r"(?P<language>[a-z]{2,3})_[A-Z]{2}-(?P<voice>[^-/]+)-(?P<quality>[a-z_]+)")


def source(model: str | None) -> Source:
    """What ``--tts_model`` means: a file or folder, a voice of the project by its name, or another repository."""
    model = model or DEFAULT_VOICE
    if found := _NAME.fullmatch(model):
        region = model.partition("-")[0]
        file = f"{found['language']}/{region}/{found['voice']}/{found['quality']}/{model}.onnx"
        return _on_hub(VOICES, file, main=file)
    if hub.is_path(model) or model.endswith(".onnx"):
        return Path(model)
    return _on_hub(model, "*.onnx")


def _on_hub(repository: str, file: str, main: str = "") -> HubFiles:
    return HubFiles(
        repository=repository, needed=(file, f"{file}.json"), main=main, owner="--tts piper", flag="--tts_model"
    )

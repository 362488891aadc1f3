"""The files of a Kokoro model: where they come from, which they are, and the names of its voices."""

from pathlib import Path
from zipfile import BadZipFile, ZipFile

import msgspec

from adapters.local import hub
from adapters.local.weights import HubFiles, Source
from adapters.options import BadOption

VOICES = "voices*.bin"

DEFAULT_REPOSITORY, DEFAULT_MODEL, DEFAULT_VOICES = "fastrtc/kokoro-onnx", "kokoro-v1.0.onnx", "voices-v1.0.bin"
"""The model when none is named, as the library's author publishes it: 325 MB, and 28 MB of voices."""


class ModelFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The ONNX file, the file of the voices, and that of the vocabulary, empty when the model has the usual one."""

    model: str
    voices: str
    vocabulary: str
    names: tuple[str, ...]


def source(model: str | None) -> Source:
    """What ``--tts_model`` means: a file or folder, or a repository of the hub."""
    if model is not None and (hub.is_path(model) or model.endswith(".onnx")):
        return Path(model)
    usual = model is None or model == DEFAULT_REPOSITORY
    return HubFiles(
        repository=model or DEFAULT_REPOSITORY,
        needed=(DEFAULT_MODEL, DEFAULT_VOICES) if usual else ("*.onnx", VOICES),
        useful=() if usual else ("config.json",),
        main=DEFAULT_MODEL if usual else "",
        owner="--tts kokoro",
        flag="--tts_model",
    )


def find_model(path: Path) -> ModelFiles:
    """The files of a folder, or of an .onnx file in one. Raises ``BadOption``."""
    if not path.exists():
        raise BadOption(
            f"--tts_model {str(path)!r} does not exist; give a folder with a Kokoro model and its voices, or a hub id."
        )
    folder = path if path.is_dir() else path.parent
    onnx = _only([path] if path.is_file() else sorted(folder.glob("*.onnx")), folder, "an .onnx file")
    voices = _only(sorted(folder.glob(VOICES)), folder, f"a file of voices ({VOICES})")
    vocabulary = folder / "config.json"
    return ModelFiles(
        model=str(onnx),
        voices=str(voices),
        vocabulary=str(vocabulary) if vocabulary.is_file() else "",
        names=_names(voices),
    )


def _only(found: list[Path], folder: Path, what: str) -> Path:
    if not found:
        raise BadOption(f"The folder of --tts_model, {str(folder)!r}, lacks {what} of a Kokoro model; put it there.")
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise BadOption(f"The folder of --tts_model, {str(folder)!r}, has more than {what} ({names}); leave one there.")
    return found[0]


def _names(voices: Path) -> tuple[str, ...]:
    try:
        with ZipFile(voices) as archive:
            names = tuple(sorted(name.removesuffix(".npy") for name in archive.namelist()))
    except (OSError, BadZipFile):
        names = ()
    if not names:
        raise BadOption(f"{str(voices)!r} is not a file of Kokoro voices; download it again.")
    return names

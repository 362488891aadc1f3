"""Finds the files of a Kokoro model, and reads the names of its voices without loading anything."""

from pathlib import Path
from zipfile import BadZipFile, ZipFile

import msgspec

from adapters.options import BadOption

VOICES = "voices*.bin"


class ModelFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The ONNX file, the file of the voices, and that of the vocabulary, empty when the model has the usual one."""

    model: str
    voices: str
    vocabulary: str
    names: tuple[str, ...]


def find_model(model: str | None) -> ModelFiles:
    """The files of ``--tts_model``, a folder or an .onnx file in one. Raises ``BadOption``."""
    if model is None:
        raise BadOption(
            "--tts kokoro needs a model: --tts_model takes a folder with kokoro-v1.0.onnx and voices-v1.0.bin, which "
            "the releases of github.com/thewh1teagle/kokoro-onnx have."
        )
    path = Path(model)
    if not path.exists():
        raise BadOption(f"--tts_model {model!r} does not exist; give a folder with a Kokoro model and its voices.")
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

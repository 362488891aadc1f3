"""Finds the file of Silero's model without loading anything."""

from importlib.util import find_spec
from pathlib import Path

from adapters.options import BadOption


def find_file(given: str | None) -> Path:
    """The model's file: ``given``, else the one in the package silero-vad, which is not imported. Raises ``BadOption``.

    Importing that package would need torch.
    """
    if given is not None:
        file = Path(given)
        if not file.is_file():
            raise BadOption(f"--vad_model {given!r} is no file; give silero_vad.onnx of the package silero-vad.")
        return file
    package = find_spec("silero_vad")
    places = list(package.submodule_search_locations or ()) if package else []
    for place in places:
        file = Path(place) / "data" / "silero_vad.onnx"
        if file.is_file():
            return file
    raise BadOption(
        "--vad silero needs its model: pip install --no-deps silero-vad, or give its silero_vad.onnx with --vad_model."
    )

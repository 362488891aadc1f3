"""Where the file of Silero's model comes from."""

from pathlib import Path

from adapters.local.weights import HubFiles, Source
from adapters.options import BadOption

MODEL = "onnx/model.onnx"

ON_HUB = HubFiles(
    repository="onnx-community/silero-vad", needed=(MODEL,), main=MODEL, owner="--vad silero", flag="--vad_model"
)
"""The model when none is given: 2 MB."""


def source(given: str | None) -> Source:
    """What ``--vad_model`` means. Raises ``BadOption`` for a file that does not exist."""
    if given is None:
        return ON_HUB
    file = Path(given)
    if not file.is_file():
        raise BadOption(f"--vad_model {given!r} is not a file; give Silero's silero_vad.onnx, or omit it.")
    return file

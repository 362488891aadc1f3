"""Why a Whisper could not be loaded is said with the way out, and without the library's words."""

from adapters.stt.faster_whisper.errors import load_error


def test_loading() -> None:
    assert "model.bin" in load_error("./here", RuntimeError("secret")).message
    assert "--stt_compute_type int8" in load_error("large-v3", MemoryError()).message

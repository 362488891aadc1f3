"""Why the model of the recogniser ``faster-whisper`` cannot be loaded; imports nothing heavy."""

from adapters.contract.errors import AdapterError
from adapters.local import load_errors

ADAPTER = "faster-whisper"


def load_error(model: str, error: Exception) -> AdapterError:
    """Why ``model`` could not be loaded, and the way out."""
    return load_errors.load_error(
        error,
        model=f"The recognition model {model!r}",
        adapter=ADAPTER,
        reason=f"{type(error).__name__}; it must be a Whisper converted for CTranslate2, its files must be complete "
        "(config.json, model.bin, tokenizer.json, vocabulary.json).",
        if_too_large="choose a smaller --stt_model, or --stt_compute_type int8",
    )

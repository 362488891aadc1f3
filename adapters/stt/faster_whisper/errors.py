"""The errors of the recogniser ``faster-whisper``; imports nothing heavy."""

from adapters.contract.errors import AdapterError, Unavailable, UpstreamError
from adapters.local import device_errors, load_errors

ADAPTER = "faster-whisper"


def recognition_error(error: Exception) -> AdapterError:
    """The error for the reader of a recognition that failed with ``error``, whose text may contain what was said."""
    if isinstance(error, AdapterError):
        return error
    if device_errors.is_out_of_memory(error):
        return Unavailable("There was not enough memory for this recording: try again later.", adapter=ADAPTER)
    return UpstreamError(f"The recognition model failed ({type(error).__name__}).", adapter=ADAPTER)


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

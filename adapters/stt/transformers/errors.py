"""Why the model of the recogniser ``transformers`` cannot be loaded; imports nothing heavy."""

from adapters.contract.errors import AdapterError
from adapters.local import load_errors

ADAPTER = "transformers"


def load_error(model: str, error: Exception) -> AdapterError:
    """Why ``model`` could not be loaded, and the way out."""
    return load_errors.load_error(
        error,
        model=f"The recognition model {model!r}",
        adapter=ADAPTER,
        reason=f"{type(error).__name__}; it must be a model for automatic speech recognition that the installed "
        "transformers knows, and its files must be complete.",
        if_too_large="choose a smaller --stt_model, or another --stt_device or --stt_torch_dtype",
    )

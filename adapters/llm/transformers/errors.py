"""The errors of the engine ``transformers``; imports nothing heavy."""

from adapters.contract.errors import AdapterError
from adapters.llm import local_errors
from adapters.local import load_errors

ADAPTER = "transformers"


def generation_error(error: Exception) -> AdapterError:
    """The error for the reader of an answer that failed with ``error``."""
    return local_errors.generation_error(error, ADAPTER)


def load_error(model: str, error: Exception) -> AdapterError:
    """Why ``model`` could not be loaded, and the way out."""
    return load_errors.load_error(
        error,
        model=f"The model {model!r}",
        adapter=ADAPTER,
        reason=local_errors.common_load_reason(error) or _reason(error),
        if_too_large="choose a smaller one, or another --llm_device or --llm_torch_dtype",
    )


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, KeyError | ValueError) and ("nrecognized" in text or "does not recognize" in text):
        return (
            "the installed transformers cannot generate text with its architecture; a vision model needs --llm_is_vlm."
        )
    if isinstance(error, OSError):
        return "one of its files is missing or broken; download it again."
    return f"{type(error).__name__}; check that its files are complete and match the installed version of transformers."

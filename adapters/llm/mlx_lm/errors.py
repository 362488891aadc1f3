"""The errors of the engine ``mlx-lm``; imports nothing heavy."""

from adapters.contract.errors import AdapterError
from adapters.llm import local_errors
from adapters.local import load_errors

ADAPTER = "mlx-lm"


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
        if_too_large="choose a smaller one, or one with fewer bits",
    )


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, ValueError) and text.startswith("Model type "):
        return (
            "the installed mlx-lm (with --llm_is_vlm: mlx-vlm) does not know its architecture; choose another model or "
            "--llm_backend transformers."
        )
    if isinstance(error, OSError) or "parameters" in text or "safetensors" in text:
        return "one of its files is missing, broken or of another model; download it again."
    return f"{type(error).__name__}; check that its files are complete and match the installed version of mlx-lm."

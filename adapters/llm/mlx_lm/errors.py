"""Names what went wrong in a model of mlx-lm; nothing heavy is imported."""

from adapters.contract.errors import AdapterError, Unavailable, UpstreamError
from adapters.llm import local_errors

ADAPTER = "mlx-lm"

# mlx has no class for it: these are the words of its allocators.
_NO_MEMORY = ("malloc", "out of memory", "unable to allocate", "attempting to allocate", "insufficient memory")


def of_an_answer(error: Exception) -> AdapterError:
    """What the reader of an answer is told of ``error``, whose own text may hold what a user said."""
    return local_errors.of_an_answer(error, ADAPTER, out_of_memory=_out_of_memory(error))


def of_loading(model: str, error: Exception) -> AdapterError:
    """Why ``model`` could not be loaded, and the way out."""
    if isinstance(error, AdapterError):
        return error
    if _out_of_memory(error):
        return Unavailable(
            f"The model {model!r} does not fit into memory: choose a smaller one, or one with fewer bits.",
            adapter=ADAPTER,
        )
    return UpstreamError(f"The model {model!r} could not be loaded: {_reason(error)}", adapter=ADAPTER)


def _out_of_memory(error: Exception) -> bool:
    said = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in said for words in _NO_MEMORY)
    )


def _reason(error: Exception) -> str:
    said = str(error)
    if "trust_remote_code" in said:
        return "it comes with code of its own; if you trust it, run that by --llm_trust_remote_code."
    if isinstance(error, ValueError) and said.startswith("Model type "):
        return (
            "the installed mlx-lm (with --llm_is_vlm: mlx-vlm) does not know its architecture; take another model or "
            "--llm_backend transformers."
        )
    if isinstance(error, ImportError):
        return f"it needs a package that is not installed ({said.strip().partition(chr(10))[0][:120]})."
    if isinstance(error, OSError) or "parameters" in said or "safetensors" in said:
        return "one of its files is missing, broken or of another model; download it again."
    return f"{type(error).__name__}; check that its files are whole and made for the installed version of mlx-lm."

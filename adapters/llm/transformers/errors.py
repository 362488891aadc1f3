"""Names what went wrong in a model of this process; nothing heavy is imported."""

from adapters.contract.errors import AdapterError, Unavailable, UpstreamError
from adapters.llm import local_errors

ADAPTER = "transformers"

# What torch says where there is no class for it: the host's allocator and some devices raise a plain RuntimeError.
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def out_of_memory(error: BaseException) -> bool:
    """Whether the device or the host had no memory left."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)


def of_an_answer(error: Exception) -> AdapterError:
    """What the reader of an answer is told of ``error``, whose own text may hold what a user said."""
    return local_errors.of_an_answer(error, ADAPTER, out_of_memory=out_of_memory(error))


def of_loading(model: str, error: Exception) -> AdapterError:
    """Why ``model`` could not be loaded, and the way out."""
    if isinstance(error, AdapterError):
        return error
    if out_of_memory(error):
        return Unavailable(
            f"The model {model!r} does not fit into memory: choose a smaller one, or another --llm_device or "
            "--llm_torch_dtype.",
            adapter=ADAPTER,
        )
    return UpstreamError(f"The model {model!r} could not be loaded: {_reason(error)}", adapter=ADAPTER)


def _reason(error: Exception) -> str:
    said = str(error)
    if "trust_remote_code" in said:
        return "it comes with code of its own; if you trust it, run that by --llm_trust_remote_code."
    if isinstance(error, KeyError | ValueError) and ("nrecognized" in said or "does not recognize" in said):
        return "the installed transformers cannot write text with its architecture; one that sees needs --llm_is_vlm."
    if isinstance(error, ImportError):
        return f"it needs a package that is not installed ({said.strip().splitlines()[0][:120]})."
    if isinstance(error, OSError):
        return "one of its files is missing or broken; download it again."
    return f"{type(error).__name__}; check that its files are whole and made for the installed version of transformers."

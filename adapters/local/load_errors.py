"""Explains why a local model could not be loaded, in one sentence with the way out; imports nothing heavy."""

from adapters.contract.errors import AdapterError, Unavailable, UpstreamError

# The words of the allocators of torch and of mlx where these raise a plain RuntimeError.
_OUT_OF_MEMORY = (
    "out of memory",
    "not enough memory",
    "insufficient memory",
    "can't allocate memory",
    "unable to allocate",
    "attempting to allocate",
    "malloc",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or the host had no memory left."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _OUT_OF_MEMORY)


def load_error(error: Exception, *, model: str, adapter: str, reason: str, if_too_large: str) -> AdapterError:
    """The error for ``model``, a name with what it is, whose loading failed with ``error``.

    ``reason`` says what went wrong and what to do, unless memory was the reason: then ``if_too_large`` says it.
    """
    if isinstance(error, AdapterError):
        return error
    if is_out_of_memory(error):
        return Unavailable(f"{model} does not fit into memory: {if_too_large}.", adapter=adapter)
    return UpstreamError(f"{model} could not be loaded: {reason}", adapter=adapter)

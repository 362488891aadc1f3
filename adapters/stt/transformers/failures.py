"""Names what went wrong in a recognition model of this process; nothing heavy is imported."""

from adapters.contract.errors import AdapterError, Unavailable, UpstreamError

ADAPTER = "transformers"

# What torch says where there is no class for it: the host's allocator and some devices raise a plain RuntimeError.
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


class Left(Exception):
    """The reader has gone; raised in the model to end its work."""


class DeviceLost(Exception):
    """The device failed in a way that outlasts the call: nothing runs on it any more in this process."""


def out_of_memory(error: BaseException) -> bool:
    """Whether the device or the host had no memory left."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)


def of_an_utterance(error: Exception) -> AdapterError:
    """What the reader is told of ``error``, whose own text may hold what was said."""
    if isinstance(error, AdapterError):
        return error
    if out_of_memory(error):
        return Unavailable(
            "There was not enough memory for this recording: send it in parts or try again later.", adapter=ADAPTER
        )
    return UpstreamError(f"The recognition model failed ({type(error).__name__}).", adapter=ADAPTER)


def of_loading(model: str, error: Exception) -> AdapterError:
    """Why ``model`` could not be loaded, and the way out."""
    if isinstance(error, AdapterError):
        return error
    if out_of_memory(error):
        return Unavailable(
            f"The recognition model {model!r} does not fit into memory: choose a smaller --stt_model, or another "
            "--stt_device or --stt_torch_dtype.",
            adapter=ADAPTER,
        )
    return UpstreamError(
        f"The recognition model {model!r} could not be loaded ({type(error).__name__}): it must be one for automatic "
        "speech recognition that the installed transformers knows, and its files must be whole.",
        adapter=ADAPTER,
    )

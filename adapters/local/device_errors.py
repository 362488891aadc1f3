"""Tells from an exception what happened to the device of a local model; imports nothing heavy."""

# The words of torch and mlx where these raise a plain RuntimeError.
_OUT_OF_MEMORY = (
    "out of memory",
    "not enough memory",
    "insufficient memory",
    "can't allocate memory",
    "unable to allocate",
    "attempting to allocate",
    "malloc",
    "cublas_status_alloc_failed",
    "cublas_status_not_initialized",  # there was no memory for it
)
_LOST = ("cuda error", "hip error", "device-side assert", "illegal memory access", "unspecified launch failure")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or the host had no memory left."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and _says(error, _OUT_OF_MEMORY)


def is_device_lost(error: BaseException) -> bool:
    """Whether the device has failed for good: every computation on it fails until the process is restarted."""
    if is_out_of_memory(error) or not isinstance(error, RuntimeError):
        return False
    return any(kind.__name__ == "AcceleratorError" for kind in type(error).__mro__) or _says(error, _LOST)


def _says(error: BaseException, words: tuple[str, ...]) -> bool:
    text = str(error).lower()
    return any(each in text for each in words)

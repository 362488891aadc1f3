"""What went wrong with a recording in a local recogniser; imports nothing heavy."""

from adapters.contract.errors import AdapterError, Unavailable, UpstreamError
from adapters.local.device_errors import is_out_of_memory


def recognition_error(error: Exception, *, adapter: str) -> AdapterError:
    """The error for the reader of a recognition that failed with ``error``, whose text may contain what was said."""
    if isinstance(error, AdapterError):
        return error
    if is_out_of_memory(error):
        return Unavailable(
            "There was not enough memory for this recording: send it in parts or try again later.", adapter=adapter
        )
    return UpstreamError(f"The recognition model failed ({type(error).__name__}).", adapter=adapter)

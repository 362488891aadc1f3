"""Explains why a local model could not be loaded, in one sentence with the way out; imports nothing heavy."""

from adapters.contract.errors import AdapterError, Unavailable, UpstreamError
from adapters.local.device_errors import is_device_lost, is_out_of_memory


def load_error(error: Exception, *, model: str, adapter: str, reason: str, if_too_large: str) -> AdapterError:
    """The error for ``model``, a name with what it is, whose loading failed with ``error``.

    ``reason`` says what went wrong and what to do, unless memory was the reason: then ``if_too_large`` says it.
    """
    if isinstance(error, AdapterError):
        return error
    if is_out_of_memory(error):
        return Unavailable(f"{model} does not fit into memory: {if_too_large}.", adapter=adapter)
    if is_device_lost(error):
        return Unavailable(f"{model} could not be loaded: its device failed; restart the gateway.", adapter=adapter)
    return UpstreamError(f"{model} could not be loaded: {reason}", adapter=adapter)

"""The errors of language models in this process, the same for every backend; imports nothing heavy."""

from adapters.contract.errors import AdapterError, Unavailable, UpstreamError
from adapters.local.device_errors import is_out_of_memory


class NonFiniteScores(Exception):
    """The scores of the next token are not finite numbers, so no token can be chosen by them."""


def generation_error(error: Exception, adapter: str) -> AdapterError:
    """The error for the reader of an answer that failed with ``error``, whose own text may contain what a user said."""
    if isinstance(error, AdapterError):
        return error
    if is_out_of_memory(error):
        return Unavailable(
            "There was not enough memory for this answer: shorten the conversation or try again later.", adapter=adapter
        )
    if isinstance(error, NonFiniteScores):
        return UpstreamError(
            "The model's scores for the next token are not finite numbers. If that happens again, run the model in "
            "another precision, or without the generation parameters that forbid tokens.",
            adapter=adapter,
        )
    return UpstreamError(f"The model failed while generating the answer ({type(error).__name__}).", adapter=adapter)


def common_load_reason(error: Exception) -> str | None:
    """Why a model could not be loaded, where the reason is the same for every backend."""
    if "trust_remote_code" in str(error):
        return "it needs custom code; if you trust it, pass --llm_trust_remote_code."
    if isinstance(error, ImportError):
        return f"it needs a package that is not installed ({str(error).strip().partition(chr(10))[0][:120]})."
    return None

"""Names what went wrong while a model of this process wrote an answer, alike for every backend; nothing heavy."""

from adapters.contract.errors import AdapterError, Unavailable, UpstreamError


def of_an_answer(error: Exception, adapter: str, *, out_of_memory: bool) -> AdapterError:
    """What the reader of an answer is told of ``error``, whose own text may hold what a user said."""
    if isinstance(error, AdapterError):
        return error
    if out_of_memory:
        return Unavailable(
            "There was not enough memory for this answer: shorten the conversation or try again later.", adapter=adapter
        )
    return UpstreamError(f"The model failed while it wrote the answer ({type(error).__name__}).", adapter=adapter)

"""Pure: a text to the number of its words."""

from adapters.contract.errors import InvalidRequest
from tests.support.tiny_surface.schema import TinyRequest, Usage


def usage_of(request: TinyRequest) -> Usage:
    """The words of ``request``. Raises ``InvalidRequest``, in the contract's words, for none."""
    if not request.text.split():
        raise InvalidRequest("There are no words.", param="text", code="no_words")
    return Usage(words=len(request.text.split()))

"""How large the parts of an answer may be: a server or a model may go on without end."""

from adapters.contract.errors import UpstreamError

MAX_CALLS = 128
"""Tool calls of one answer."""

MAX_NAME_CHARACTERS = 256
"""Of a tool that the model calls."""

MAX_ARGUMENT_CHARACTERS = 256 * 1024
"""Of one tool call."""

MAX_WRITTEN_CALL_CHARACTERS = 128 * 1024
"""Of the tool calls that a model writes into its text, from one opening tag on."""


class LimitExceeded(UpstreamError):
    """An answer is too large: ``what`` completes "The language model …", and "The upstream server …" where one is."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The language model {what}.")
        self.what = what

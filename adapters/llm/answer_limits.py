"""How large the parts of an answer may be: a server or a model may go on without end."""

MAX_CALLS = 128
"""Tool calls of one answer."""

MAX_ARGUMENT_CHARACTERS = 256 * 1024
"""Of one tool call."""

MAX_WRITTEN_CALL_CHARACTERS = 128 * 1024
"""Of the tool calls that a model writes into its text, from one opening tag on."""


class LimitExceeded(ValueError):
    """An answer is too large; the message completes "The upstream server …"."""

"""Names the words that a field takes, as OpenAI's refusals do."""

from collections.abc import Sequence


def supported_values(words: Sequence[str]) -> str:
    """The sentence that lists ``words``, of which there is at least one."""
    quoted = [repr(word) for word in words]
    if len(quoted) > 2:  # a list has a comma before its last word
        quoted = [", ".join(quoted[:-1]) + ",", quoted[-1]]
    return f"Supported values are: {' and '.join(quoted)}."

"""Estimates tokens where no server has counted them: the client left before the answer's end, or none is told."""

from collections.abc import Iterable
from typing import Any

from adapters.contract import llm

CHARACTERS_PER_TOKEN = 4
"""Of English text; others have fewer, so that the estimate is rather too low."""

ENCODED = ("data:", "http")
"""How strings begin that name or hold media, which do not count."""

ENCODED_KEYS = frozenset({"data", "file_data"})
"""Names of fields with media in base64."""


def estimated_tokens(characters: int) -> int:
    """The tokens of a text of so many characters."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def message_characters(messages: Iterable[llm.Message]) -> int:
    """The characters of the texts, reasoning and calls in ``messages``; media do not count."""
    total = 0
    for message in messages:
        total += len(message.reasoning or "")
        for part in message.parts:
            match part:
                case llm.Text():
                    total += len(part.text)
                case llm.ToolResult():
                    total += len(part.output)
                case llm.ToolCall():
                    total += len(part.name) + len(part.arguments)
                case _:
                    pass
    return total


def body_characters(value: Any) -> int:
    """The characters of the strings in a JSON value; media do not count."""
    pending, total = [value], 0
    while pending:
        match pending.pop():
            case str() as text:
                total += 0 if text.startswith(ENCODED) else len(text)
            case dict() as fields:
                pending += [each for key, each in fields.items() if key not in ENCODED_KEYS]
            case list() as values:
                pending += values
            case _:
                pass
    return total

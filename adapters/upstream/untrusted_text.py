"""Makes text of a server fit for messages and logs: one line, printable, short, without secrets."""

import re

MIN_SECRET = 8
"""Characters of a key that is masked: masking one like "x" would only make texts unreadable."""

_MAX_CHARACTERS = 300
_API_KEY = re.compile(r"\b(?:sk|hf|gsk|csk)[-_][\w*-]{6,}")


def printable(text: str, key: str = "", limit: int = _MAX_CHARACTERS) -> str:
    """``text`` on one line, without control characters, with ``key`` and everything like an API key masked."""
    text = text[: 10 * limit]  # more cannot be shown
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    if len(key) >= MIN_SECRET:
        line = re.sub(re.escape(key[:MIN_SECRET]) + r"\S*", "***", line)
    line = _API_KEY.sub("***", line)
    return line if len(line) <= limit else line[: limit - 1] + "…"

"""Says in words why a value of the configuration cannot be used."""

import re

import msgspec

NAME = r"^[A-Za-z0-9._-]{1,64}$"
"""What keys and upstreams can be called: it stands in metrics and in keys of stores."""

LANGUAGE = "^[a-z]{2}$"
"""A language by its ISO 639-1 code."""

_FIELD = re.compile("Object (missing required|contains unknown) field `(.+?)`")
_FIELD_WORDS = {"missing required": "it lacks", "contains unknown": "it has the unknown"}

_WORDS = {
    f"str matching regex {NAME!r}": "1 to 64 letters, digits, '.', '_' or '-'",
    f"str matching regex {LANGUAGE!r}": "a language of two small letters, such as 'en'",
    "Expected": "expected",
    "$.": "",
}


def reason(error: msgspec.ValidationError) -> str:
    """What ``error`` says, without the words of Python and JSON, to stand in the middle of a sentence."""
    text = _FIELD.sub(lambda found: f"{_FIELD_WORDS[found[1]]} {found[2]!r}", str(error)).replace("`", "")
    for said, words in _WORDS.items():
        text = text.replace(said, words)
    return text

"""``speech-to-speech key new``: makes a key, and says what goes into the configuration file."""

from collections.abc import Sequence

from gateway.access.keys import hash_of, new_key
from gateway.settings.key_tables import read_keys
from gateway.settings.model import SettingsError

ADMIN = "--admin"


def new_key_text(words: Sequence[str]) -> str:
    """A new key for the name in ``words``, and its ``[[keys]]``; nothing keeps it. Raises ``SettingsError``."""
    names = [word for word in words if word != ADMIN]
    if len(names) != 1 or names[0].startswith("-"):
        raise SettingsError("key new takes one name: speech-to-speech key new NAME [--admin].")
    key, admin = new_key(), ADMIN in words
    read_keys([{"name": names[0], "hash": hash_of(key)}], "key new")  # the file would refuse such a name
    lines = [
        f"The key of {names[0]}, shown only now: {key}",
        "",
        "Its part of the configuration file:",
        "",
        "[[keys]]",
        f'name = "{names[0]}"',
        f'hash = "{hash_of(key)}"',
        *(["admin = true"] if admin else []),
    ]
    return "\n".join(lines) + "\n"

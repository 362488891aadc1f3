"""Reads the words of a command line: settings, positional words, and the options of the command itself."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence

import msgspec

from gateway.settings.model import SettingsError
from gateway.settings.options import SWITCH_WORDS, Option, Setting, decode_text, find, flatten, nearest


class CommandLine(msgspec.Struct, frozen=True, kw_only=True):
    """The result: ``settings`` by key, ``positional`` words, and the command's ``own`` options by name."""

    settings: dict[str, Setting]
    positional: tuple[str, ...]
    own: dict[str, str]


def parse(
    arguments: Sequence[str], own: Mapping[str, str] | None = None, switches: Collection[str] = ()
) -> CommandLine:
    """Read the words of a command line; of a repeated flag the last counts. Raises ``SettingsError``, ``BadOption``.

    ``own`` maps further flags to the names that they have in the result. They take a value, all but ``switches``.
    """
    words = deque(arguments)
    settings: dict[str, Setting] = {}
    positional: list[str] = []
    found: dict[str, str] = {}
    names = own or {}
    while words:
        word = words.popleft()
        flag = word.partition("=")[0]
        if not _is_flag(word):
            positional.append(word)
        elif word in switches:
            found[names[word]] = "true"
        elif flag in names:
            found[names[flag]] = _value(word, words)
        else:
            settings.update(_setting(word, words))
    return CommandLine(settings=settings, positional=tuple(positional), own=found)


def _setting(word: str, words: deque[str]) -> dict[str, Setting]:
    flag = word.partition("=")[0]
    key = flag.removeprefix("--").replace("-", "_")
    option = find(key) if word.startswith("--") else None
    if option is not None:
        value = decode_text(option, _text(option, word, words), f"--{key}")
        return dict(flatten(option, value, f"flag --{key}"))
    negated = find(key.removeprefix("no_"))
    if word.startswith("--no") and negated is not None and negated.shape in {"switch", "open"}:
        if "=" in word:
            raise SettingsError(f"{flag} takes no value; write --{negated.key} false or {flag}.")
        return {negated.key: Setting(value=False, origin=f"flag --no_{negated.key}")}
    raise SettingsError(f"Unknown flag {flag!r}: {nearest(key, prefix='--')}")


def _text(option: Option, word: str, words: deque[str]) -> str:
    """The value of a flag as written; a switch or an entry of the open table without a value is true."""
    if "=" not in word:
        if option.shape == "switch" and not (words and words[0].lower() in SWITCH_WORDS):
            return "true"
        if option.shape == "open" and not (words and not _is_flag(words[0])):
            return "true"
    return _value(word, words)


def _value(word: str, words: deque[str]) -> str:
    """The text after ``=``, else the next word."""
    flag, equals, text = word.partition("=")
    if equals:
        return text
    if not words or _is_flag(words[0]):
        raise SettingsError(f"{flag} needs a value; one that begins with a dash is written {flag}=VALUE.")
    return words.popleft()


def _is_flag(word: str) -> bool:
    """Whether the word begins with a dash and is neither a negative number nor the dash alone."""
    return word.startswith("-") and word != "-" and not word[1:2].isdigit() and not word.startswith("-.")

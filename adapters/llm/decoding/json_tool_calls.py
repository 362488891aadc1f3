"""Parses tool calls in JSON, ``{"name": …, "arguments": {…}}`` and its variants, and finds where they end; pure."""

import re

import msgspec

_NAME = re.compile(r'[{\[\s]*"name"\s*:\s*"([^"\\]+)"')
_FIRST_KEY = re.compile(r'\{\s*(?:"([^"]*)("?)|[^\s"])')
_KEYS = ("name", "parameters", "arguments", "type", "function", "id")  # the first keys that a call may have
# To report at least a part of what cannot be parsed.
_ANY_NAME = re.compile(r"""["']name["']\s*:\s*["']([\w.-]{1,64})""")
_ANY_ARGUMENTS = re.compile(r"""["'](?:arguments|parameters)["']\s*:\s*""")


class RawToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call as the model wrote it, not yet validated."""

    name: str
    arguments: str


def parse(value: str, name: str = "") -> list[RawToolCall]:
    """The calls in the object or list ``value``; ``name`` is the first one's, where it is known already."""
    try:
        decoded = msgspec.json.decode(value, type=list[_Call] | _Call)
        calls = [call.raw() for call in (decoded if isinstance(decoded, list) else [decoded])]
    except (ValueError, RecursionError):
        return [unparsable(value, name)]
    return [call or unparsable(value, name) for call in calls]


def unparsable(text: str, name: str = "") -> RawToolCall:
    """A call to report for ``text``, which cannot be parsed: with the name and arguments that it seems to have."""
    found, arguments = _ANY_NAME.search(text), _ANY_ARGUMENTS.search(text)
    return RawToolCall(
        name=name or (found[1] if found else "unknown"), arguments=text[arguments.end() :] if arguments else text
    )


def first_name(value: str) -> str | None:
    """The name of the first call, if it stands first and is complete."""
    found = _NAME.match(value)
    return found[1] if found else None


def may_be_call(value: str) -> bool:
    """Whether the object that starts with ``value`` can be a call, by its first key."""
    key = _FIRST_KEY.match(value)
    if key is None:
        return True
    if key[1] is None:
        return False
    return key[1] in _KEYS if key[2] else any(name.startswith(key[1]) for name in _KEYS)


class JsonScanner:
    """Finds the end of a JSON object or list in text that arrives in pieces."""

    _MARK = re.compile(r'["\\{}\[\]<]')

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = 0  # characters at the beginning of the next piece

    def end(self, piece: str) -> int | None:
        """Where it ends in ``piece``, or just after a ``<``, which JSON has in strings only; ``None``: it goes on."""
        at = self._escaped
        while mark := self._MARK.search(piece, at):
            at = mark.end()
            if self._in_string:
                at += mark[0] == "\\"
                self._in_string = mark[0] != '"'
            elif mark[0] == '"':
                self._in_string = True
            elif mark[0] != "\\":
                self._depth += 1 if mark[0] in "{[" else -1
                if mark[0] == "<" or self._depth == 0:
                    return at
        self._escaped = max(0, at - len(piece))
        return None


class _Call(msgspec.Struct):
    """A call in JSON: flat, or with a ``function`` as servers write it."""

    name: str | None = None
    function: "str | _Call | None" = None
    arguments: msgspec.Raw = msgspec.Raw()
    parameters: msgspec.Raw = msgspec.Raw()

    def raw(self) -> RawToolCall | None:
        """The call with its arguments as text; ``None`` without a name."""
        if isinstance(self.function, _Call):
            return self.function.raw()
        name = self.name or self.function
        arguments = (bytes(self.arguments) or bytes(self.parameters) or b"{}").decode()
        if arguments.startswith('"'):  # JSON in JSON
            arguments = msgspec.json.decode(arguments, type=str)
        return RawToolCall(name=name, arguments="{}" if arguments == "null" else arguments) if name else None

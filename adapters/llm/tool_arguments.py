"""The arguments of one tool call, joined from the pieces in which a server sends them; pure."""

import re
from collections.abc import Collection
from typing import Any
from uuid import uuid4

import msgspec

from adapters.contract.llm import LONGEST_CALL_ID
from adapters.llm.answer_limits import MAX_ARGUMENT_CHARACTERS, MAX_NAME_CHARACTERS, LimitExceeded
from adapters.upstream import UnreadableJson, decode_any, is_shallow

_MAX_ENCODINGS = 3  # of an object that was encoded as a string again and again
_TOKEN = re.compile(r'\\.|["{}\[\]]', re.DOTALL)


class ToolArguments:
    """What begins as a JSON object is passed on piece by piece, anything else as a whole at the end.

    Only then it is known what the server means: ``null`` or an empty text or list are no arguments, and a string may
    hold the object, encoded twice.
    """

    def __init__(self) -> None:
        self._replacement: str | None = None
        self._canonical: bytes | None = None
        self._reset()

    def _reset(self) -> None:
        self._pieces: list[str] = []
        self._size = 0
        self._is_object: bool | None = None  # None while there is only white space
        self._depth = 0
        self._in_string = False
        self._escape = ""  # a backslash at the end of the last piece

    def append(self, piece: str) -> str:
        """Add a piece; what can be passed on now. Raises ``LimitExceeded``."""
        self._size += len(piece)
        if self._size > MAX_ARGUMENT_CHARACTERS:
            raise LimitExceeded(f"sent arguments of a tool call with more than {MAX_ARGUMENT_CHARACTERS} characters")
        self._scan(piece)
        held = self._is_object is None
        if held and not piece.isspace() and piece:
            self._is_object = piece.lstrip().startswith("{")
        self._pieces.append(piece)
        if not self._is_object:
            return ""
        return "".join(self._pieces) if held else piece

    def complete(self, whole: str) -> str:
        """Take ``whole`` for the complete arguments; what can be passed on now. Raises ``LimitExceeded``."""
        received = "".join(self._pieces)
        if whole.startswith(received):
            return self.append(whole[len(received) :])
        if self._is_object:
            return ""  # what was passed on cannot be taken back
        self._reset()
        return self.append(whole)

    def finish(self) -> str:
        """What is left to be passed on at the end."""
        text = "".join(self._pieces)
        self._replacement = text if self._is_object else _unpacked(text)
        return "" if self._is_object else self._replacement

    @property
    def passed_on(self) -> str:
        """What ``append`` and ``complete`` returned so far, all together."""
        return "".join(self._pieces) if self._is_object else ""

    @property
    def text(self) -> str:
        """All arguments; after ``finish`` as they were passed on."""
        return "".join(self._pieces) if self._replacement is None else self._replacement

    @property
    def canonical(self) -> bytes:
        """``text`` in the form in which equal arguments are equal; kept once the arguments are finished."""
        if self._canonical is None or self._replacement is None:
            self._canonical = canonical(self.text)
        return self._canonical

    @property
    def is_complete(self) -> bool:
        """Whether all brackets and strings are closed: then another piece cannot belong to the same call."""
        return self._is_object is not None and self._depth <= 0 and not self._in_string

    def _scan(self, piece: str) -> None:
        text, end = self._escape + piece, 0
        for token in _TOKEN.finditer(text):
            end = token.end()
            if token[0] == '"':
                self._in_string = not self._in_string
            elif not self._in_string:
                self._depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        self._escape = "\\" if text[end:].endswith("\\") else ""


def _unpacked(text: str) -> str:
    inner = text.strip()
    for _ in range(_MAX_ENCODINGS):
        try:
            value = decode_any(inner.encode(errors="replace")) if inner else None
        except UnreadableJson:
            return text
        if value in (None, "", []):
            return "{}"
        if not isinstance(value, str):
            return inner if isinstance(value, dict) else text
        inner = value.strip()
    return text


def as_text(arguments: Any) -> str:
    """Arguments as JSON text; some servers send the object itself. Raises ``LimitExceeded``."""
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    if not is_shallow(arguments):
        raise LimitExceeded("sent arguments of a tool call that are nested too deeply")
    return msgspec.json.encode(arguments).decode()


def canonical(arguments: str) -> bytes:
    """The form in which equal arguments are equal, whatever their white space and order."""
    unpacked = _unpacked(arguments).encode(errors="replace")
    try:
        return msgspec.json.encode(decode_any(unpacked), order="sorted")
    except (UnreadableJson, RecursionError):
        return unpacked


def checked_name(name: str) -> str:
    """The name of a called tool. Raises ``LimitExceeded``."""
    if len(name) > MAX_NAME_CHARACTERS:
        raise LimitExceeded(f"called a tool by a name of more than {MAX_NAME_CHARACTERS} characters")
    return name


def call_id(given: str | None, taken: Collection[str]) -> str:
    """The id of a new call: the server's if it can be used and is not taken, else one of our own."""
    usable = given and given.isprintable() and len(given) <= LONGEST_CALL_ID and given not in taken
    return given if given and usable else f"call_{uuid4().hex}"

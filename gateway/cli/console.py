"""Prepares standard output and standard error for what the commands say, wherever they go."""

import codecs
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

ESCAPED = "speech-gateway-escaped"
"""The error handler of both streams: what their encoding cannot say is written as TOML and JSON escape it."""


def prepare_console() -> None:
    """Let any text be printed: to a Windows console in cp1252, to ASCII, to a file."""
    codecs.register_error(ESCAPED, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # None under pythonw, something else where a test captures it
            stream.reconfigure(errors=ESCAPED)


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """In the block SIGTERM ends the process as an exit does: files that are half written are removed."""
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(_escape(ord(character)) for character in characters), error.end


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

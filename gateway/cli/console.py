"""Prepares standard output and standard error for what the commands say, wherever they go."""

import codecs
import signal
import sys
from types import FrameType
from typing import NoReturn

ESCAPED = "speech-gateway-escaped"
"""The error handler of both streams: what their encoding cannot say is written as TOML and JSON escape it."""


def prepare_console() -> None:
    """Let any text be printed: to a Windows console in cp1252, to ASCII, to a file. SIGTERM ends as an exit does."""
    codecs.register_error(ESCAPED, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # None under pythonw, something else where a test captures it
            stream.reconfigure(errors=ESCAPED)


def end_on_sigterm() -> None:
    """Clean up on SIGTERM as on Ctrl-C: files that are half written are removed."""
    signal.signal(signal.SIGTERM, _end)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(_escape(ord(character)) for character in characters), error.end


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

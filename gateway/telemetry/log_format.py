"""The format of the log: one line an event, in which nobody else can write a line or an escape sequence."""

import logging
import re
from traceback import extract_tb

INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line and paragraph separators, marks that reorder text, and halves of surrogate pairs."""


def printable(text: str) -> str:
    """``text`` with each control character written as Python escapes it: a line break becomes ``\\n``."""
    return INVISIBLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def where(error: BaseException) -> str:
    """The class of a failure and the places it passed; without its message, which may hold what people said."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)]
    return ", ".join([type(error).__name__, *places])


class LogFormatter(logging.Formatter):
    """Formats one record as one line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line; of an exception its class and the places it passed, as ``where`` says them."""
        failure = record.exc_info[1] if record.exc_info else None
        line = f"{record.getMessage()} {where(failure)}" if failure is not None else record.getMessage()
        record.message = printable(line)
        record.asctime = self.formatTime(record)
        return self.formatMessage(record)

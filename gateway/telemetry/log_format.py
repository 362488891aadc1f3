"""The format of the log: one line an event, in which nobody else can write a line or an escape sequence."""

import logging
import re
import time
from traceback import extract_tb
from typing import Literal

import msgspec

from adapters.contract.request_context import current_request

INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line and paragraph separators, marks that reorder text, and halves of surrogate pairs."""

FIELDS = "speech_gateway_fields"
"""The attribute of a record with what its message says, by name, for readers that are programs."""

OWN_LOGGERS = ("adapters", "gateway")
"""Those whose level can be set. Other libraries only warn: what they log below that may quote prompts and keys."""

OUTAGE_SECONDS = 60.0
"""How often a library may repeat that it cannot send its data."""

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]


def printable(text: str) -> str:
    """``text`` with each control character written as Python escapes it: a line break becomes ``\\n``."""
    return INVISIBLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def where(error: BaseException) -> str:
    """The class of a failure and the places it passed; without its message, which may hold what people said."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)]
    return ", ".join([type(error).__name__, *places])


def message_of(record: logging.LogRecord) -> str:
    """The message; of an exception its class and the places it passed, as ``where`` says them."""
    failure = record.exc_info[1] if record.exc_info else None
    return printable(f"{record.getMessage()} {where(failure)}" if failure is not None else record.getMessage())


class TextFormatter(logging.Formatter):
    """Formats one record as one line for people; it ends with the id of the request, unless that is in it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        message, request = message_of(record), current_request.get()
        if request is not None and request.request_id not in message:
            message = f"{message} request_id={request.request_id}"
        record.message = message
        record.asctime = self.formatTime(record)
        return self.formatMessage(record)


class JsonFormatter(logging.Formatter):
    """Formats one record as one line of JSON: time (UTC), level, logger, message, the id of the request, its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        request = current_request.get()
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message_of(record),
            **({} if request is None else {"request_id": request.request_id}),
            **getattr(record, FIELDS, {}),
        }
        return msgspec.json.encode(line).decode()


class _OncePerOutage(logging.Filter):
    """Lets a line of one library pass only when it has been quiet for a while."""

    def __init__(self, library: str) -> None:
        super().__init__(library)
        self._quiet_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if not super().filter(record):
            return True
        if record.created < self._quiet_until:
            return False
        self._quiet_until = record.created + OUTAGE_SECONDS
        return True


def configure_logging(log_format: Format, level: Level) -> None:
    """Write the log to standard error; everything a level and above of our own, warnings of others."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    handler.addFilter(_OncePerOutage("opentelemetry"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(level.upper())

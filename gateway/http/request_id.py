"""Every request has an id and is timed: both are on every answer, whatever that is, and the id is in the log."""

import re
import time
import uuid

from litestar.types import Message, Scope

_KEY = "speech_gateway_request_id"
_STARTED = "speech_gateway_request_started"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""An id that a client may give: it goes into log lines, and to other servers."""


def request_id(scope: Scope) -> str:
    """The id of this request: that of the client's ``x-request-id`` if it is harmless, or a new one."""
    state = scope.setdefault("state", {})
    if _KEY not in state:
        state[_KEY] = header(scope, b"x-request-id", _ID) or f"req_{uuid.uuid4().hex}"
    return str(state[_KEY])


def header(scope: Scope, name: bytes, form: re.Pattern[str]) -> str | None:
    """The value of the header ``name`` if it is there once and has the ``form``."""
    values = [value for key, value in scope["headers"] if key == name]
    text = values[0].decode("latin-1") if len(values) == 1 else ""
    return text if form.fullmatch(text) else None


def time_request(scope: Scope) -> float:
    """When work on this request began, on the clock of ``time.perf_counter``: when this was first called."""
    return float(scope.setdefault("state", {}).setdefault(_STARTED, time.perf_counter()))


async def name_answer(message: Message, scope: Scope) -> None:
    """Put the id on the answer, and its time; a ``before_send`` hook, which no answer bypasses."""
    if message["type"] == "http.response.start":
        milliseconds = round((time.perf_counter() - time_request(scope)) * 1000)
        named = [(b"x-request-id", request_id(scope).encode()), (b"openai-processing-ms", b"%d" % milliseconds)]
        message["headers"] = [*message["headers"], *named]

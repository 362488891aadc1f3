"""Every request has an id and is timed: both are on every answer, whatever that is, and the id is in the log."""

import time
import uuid

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

_KEY = "speech_gateway_request_id"
_STARTED = "speech_gateway_request_started"


def request_id(scope: Scope) -> str:
    """The id of this request, made when it is first asked for."""
    return str(scope.setdefault("state", {}).setdefault(_KEY, f"req_{uuid.uuid4().hex}"))


def time_request(scope: Scope) -> float:
    """When work on this request began, on the clock of ``time.perf_counter``: when this was first called."""
    return float(scope.setdefault("state", {}).setdefault(_STARTED, time.perf_counter()))


async def name_answer(message: Message, scope: Scope) -> None:
    """Put the id on the answer, and its time if it has none; a ``before_send`` hook, which no answer bypasses."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        headers["x-request-id"] = request_id(scope)
        headers.setdefault("openai-processing-ms", str(round((time.perf_counter() - time_request(scope)) * 1000)))

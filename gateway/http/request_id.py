"""Every request has an id: it is on every answer, whatever that is, and in the log."""

import uuid

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

_KEY = "speech_gateway_request_id"


def request_id(scope: Scope) -> str:
    """The id of this request, made when it is first asked for."""
    return str(scope.setdefault("state", {}).setdefault(_KEY, f"req_{uuid.uuid4().hex}"))


async def name_answer(message: Message, scope: Scope) -> None:
    """Put the id on the answer; a ``before_send`` hook, so that answers to unknown paths have it too."""
    if message["type"] == "http.response.start":
        MutableScopeHeaders.from_message(message)["x-request-id"] = request_id(scope)

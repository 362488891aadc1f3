"""What a client sends to begin a call: its offer (SDP), alone or with the configuration of the session."""

from typing import Any

import msgspec
from litestar import Request

from adapters.contract.errors import InvalidRequest
from gateway.http.form import Fields, read_body, read_fields

MOST_BYTES = 100_000
"""Of an offer; a browser's has a tenth of it."""

WITH_FIELDS = ("multipart/form-data", "application/json")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """``sdp`` as it was sent, and the ``session`` beside it, if any."""

    sdp: str
    session: dict[str, Any]


async def read_offer(request: Request[Any, Any, Any]) -> Offer:
    """The offer of a request: a form, JSON, or the SDP itself. Raises ``InvalidRequest``, and ``HTTPException``."""
    content_type, _ = request.content_type
    if content_type not in WITH_FIELDS:
        return Offer(sdp=_checked(bytes(await read_body(request))), session={})
    fields = await read_fields(request, file="sdp")
    return Offer(sdp=_checked(_part(fields, "sdp")), session=_session(_part(fields, "session")))


def _part(fields: Fields, name: str) -> Any:
    """A field, which some clients send as a file."""
    uploads = fields.uploads.get(name)
    return uploads[0].data if uploads else fields.values.get(name)


def _checked(sdp: Any) -> str:
    if not sdp:
        raise _invalid("sdp", "Missing required parameter: 'sdp', the offer of a WebRTC connection.")
    if isinstance(sdp, bytes):
        sdp = sdp.decode(errors="replace")
    if not isinstance(sdp, str):
        raise _invalid("sdp", "Invalid 'sdp': it has to be text.")
    if len(sdp) > MOST_BYTES:
        raise _invalid("sdp", f"Invalid 'sdp': it has {len(sdp)} characters, and {MOST_BYTES} is the most.")
    return sdp


def _session(given: Any) -> dict[str, Any]:
    if isinstance(given, str | bytes):
        try:
            given = msgspec.json.decode(given)
        except (msgspec.DecodeError, RecursionError):
            raise _invalid("session", "Invalid 'session': it has to be JSON.") from None
    if not isinstance(given, dict | None):
        raise _invalid("session", "Invalid 'session': it has to be an object.")
    return given or {}


def _invalid(param: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, param=param, code="invalid_value")

"""``data:`` URLs: media inside a request."""

import base64
import binascii
from urllib.parse import unquote_to_bytes

from adapters.contract.errors import InvalidRequest

MAX_BYTES = 20_000_000
"""Of one image, however it comes."""


def is_data_url(url: str) -> bool:
    """Whether ``url`` holds its data."""
    return url[:5].lower() == "data:"


def decoded(url: str) -> bytes:
    """The data in a ``data:`` URL. Raises ``InvalidRequest``."""
    head, comma, data = url.partition(",")
    if not comma:
        raise _refusal("The data: URL of the image has no comma, and therefore no data.")
    if len(data) > MAX_BYTES * 2:
        raise too_large("image")
    raw = unquote_to_bytes(data)
    if head.lower().endswith(";base64"):
        try:
            raw = base64.b64decode(raw, validate=True)
        except binascii.Error as error:
            raise _refusal("The data: URL of the image is not valid base64.") from error
    if len(raw) > MAX_BYTES:
        raise too_large("image")
    return raw


def encoded(data: bytes, media_type: str) -> str:
    """The ``data:`` URL that holds ``data``."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def too_large(kind: str) -> InvalidRequest:
    """The refusal of an image, a video or audio that is larger than allowed."""
    return InvalidRequest(
        f"The {kind} is larger than {MAX_BYTES // 1_000_000} MB: send a smaller one.",
        param="messages",
        code=f"{kind}_too_large",
    )


def _refusal(message: str) -> InvalidRequest:
    return InvalidRequest(message, param="messages", code="invalid_image_url")

"""Writes the body of a request: JSON, or a form with one file (``multipart/form-data``); pure."""

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """The file of a form, which is its field ``file``; servers tell its format from the name or the content type."""

    name: str
    content_type: str
    data: bytes


def encode_body(body: Mapping[str, Any], upload: Upload | None) -> tuple[str, bytes]:
    """The content type and the bytes of a request: a form if there is a file, else JSON."""
    return ("application/json", msgspec.json.encode(body)) if upload is None else encode_form(body, upload)


def encode_form(fields: Mapping[str, Any], upload: Upload) -> tuple[str, bytes]:
    """The content type and the bytes: the fields as text, lists as ``name[]`` once an item, and last the file."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{_text(value)}\r\n'
        for field, given in fields.items()
        for name, value in (((f"{field}[]", each) for each in given) if isinstance(given, list) else ((field, given),))
    ]
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{upload.name}"\r\n'
    head += f"content-type: {upload.content_type}\r\n\r\n"
    body = b"".join(("".join((*parts, head)).encode(), upload.data, f"\r\n--{boundary}--\r\n".encode()))
    return f"multipart/form-data; boundary={boundary}", body


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

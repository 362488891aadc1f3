"""Reads the forms that an engine uploads to a scripted server."""

from dataclasses import dataclass
from email import message_from_bytes
from typing import Any


@dataclass(frozen=True)
class Form:
    """The fields (a list for one that comes several times), and the file with its name and content type."""

    fields: dict[str, Any]
    file: bytes
    file_name: str | None
    file_type: str


def parse_form(content_type: str, body: bytes) -> Form:
    """Parse ``multipart/form-data`` with one file named ``file``."""
    message = message_from_bytes(b"content-type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields: dict[str, Any] = {}
    files: list[Any] = []
    parts: Any = message.get_payload()
    for part in parts:
        name = str(part.get_param("name", header="content-disposition"))
        if part.get_filename() is not None:
            assert name == "file"
            files.append(part)
        elif name.endswith("[]"):
            fields.setdefault(name, []).append(part.get_payload(decode=True).decode())
        else:
            fields[name] = part.get_payload(decode=True).decode()
    (file,) = files
    return Form(fields, file.get_payload(decode=True), file.get_filename(), file.get_content_type())

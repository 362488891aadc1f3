"""Files of a package as they are sent to browsers: read once, with their type, an ETag, and a strict policy."""

import hashlib
import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy: nothing but files of this gateway, no inline script or style, in nobody's frame."""

HEADERS = {
    "content-security-policy": POLICY,
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",  # kept by the browser, asked for again with its ETag: a new release shows at once
}

mimetypes.add_type("text/javascript", ".js")  # some systems say text/plain, which no browser runs as a module
mimetypes.add_type("audio/ogg", ".ogg")


class StaticFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file: its bytes, media type and ETag."""

    content: bytes
    media_type: str
    etag: str

    def response(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """The file, or 304 for a browser that has it."""
        headers = {**HEADERS, "etag": self.etag}
        if request.headers.get("if-none-match") == self.etag:
            return Response(b"", status_code=304, headers=headers, media_type=self.media_type)
        return Response(self.content, headers=headers, media_type=self.media_type)


def read_files(folder: Path, names: Iterable[str] | None = None) -> dict[str, StaticFile]:
    """The files below ``folder`` by their path there, or those of ``names`` only. Raises ``OSError``."""
    paths = (
        [path for path in folder.rglob("*") if path.is_file()] if names is None else [folder / each for each in names]
    )
    return {path.relative_to(folder).as_posix(): static_file(path.read_bytes(), path.name) for path in paths}


def static_file(content: bytes, name: str) -> StaticFile:
    """``content`` as a file that is called ``name``."""
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return StaticFile(content=content, media_type=media_type, etag=f'"{hashlib.sha256(content).hexdigest()[:20]}"')

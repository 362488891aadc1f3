"""An answer that is audio: its bytes as the server sends them, unless they are a page or a message instead."""

from typing import Any

import httpx
import msgspec

from adapters.contract.errors import UpstreamError
from adapters.upstream.error_factory import ErrorFactory
from adapters.upstream.lenient_json import UnreadableJson, decode_any
from adapters.upstream.options import UpstreamOptions
from adapters.upstream.timed_response import MAX_ERROR_BYTES, TimedResponse

_LOOKED_AT = 64
"""Bytes: that many samples in a row are never all printable characters."""


class AudioCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request for audio: ``body`` goes as JSON to ``path``."""

    path: str
    body: dict[str, Any]


class AudioDeclared(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says that the bytes are; empty when it does not."""

    content_type: str


class AudioAnswer:
    """``open`` it, ``read`` until it is empty; ``aclose`` has closed the socket when it returns."""

    def __init__(self, errors: ErrorFactory, options: UpstreamOptions, deadline: float) -> None:
        self._errors = errors
        self._response = TimedResponse(errors, options, deadline, streamed=True)
        self._held = b""
        self.content_type = ""

    @property
    def status(self) -> int | None:
        """The status of the response, once there is one."""
        return self._response.status

    async def open(self, transport: httpx.AsyncBaseTransport, request: httpx.Request) -> None:
        """Send the request and wait for the first sound. Raises ``AdapterError``."""
        headers = await self._response.open(transport, request)
        self.content_type = headers.get("content-type", "").lower()
        self._held = await self._response.read()
        if not self._held:
            raise self._errors.upstream_error("answered without any audio")
        if self.content_type.startswith(("text/", "application/json")) or _is_text(self._held):
            raise await self._text_instead()
        self._response.begun()

    async def read(self) -> bytes:
        """The next bytes; empty at the end. Raises ``AdapterError``."""
        if held := self._held:
            self._held = b""
            return held
        return await self._response.read()

    async def aclose(self) -> None:
        """Close the connection, unless the answer was read to its end; harmless when called twice."""
        await self._response.aclose()

    async def _text_instead(self) -> UpstreamError:
        """The error for a page, an error in JSON or another text in place of audio."""
        text = self._held
        while len(text) < MAX_ERROR_BYTES and (more := await self._response.read()):
            text += more
        declared = self.content_type or "text"
        try:
            body = decode_any(text)
        except UnreadableJson:
            return self._errors.upstream_error(f"answered with {declared!r} instead of audio")
        if isinstance(body, dict) and body.get("error"):
            return self._errors.upstream_error("reported an error instead of audio")
        return self._errors.upstream_error(f"answered with {declared!r} instead of audio")


def _is_text(data: bytes) -> bool:
    start = data[:_LOOKED_AT].strip()
    return start[:1] in (b"<", b"{", b"[") and all(32 <= byte < 127 or byte in b"\r\n\t" for byte in start)

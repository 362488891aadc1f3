"""Reads a request's fields, however they were sent: multipart form, JSON, or a raw audio body with a query string."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException, InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from multipart import MultipartError, MultipartSegment, PushMultipartParser  # type: ignore[import-untyped]

from adapters.contract.errors import InvalidRequest
from gateway.http.json_text import decode_json
from gateway.http.offload import offloaded

MAX_AUDIO_BYTES = 26_214_400
"""OpenAI's limit on an uploaded file."""

MAX_BODY_BYTES = 36 * 1024 * 1024
"""The largest body: base64 makes a third more of the largest file, and there are other fields."""

BODY_SECONDS = 120.0
"""How long a body may take to arrive: a slow sender occupies the place of another client."""

MAX_PARTS = 1000
"""The most parts of a form."""

RAW = ("audio/", "video/", "application/octet-stream", "application/x-www-form-urlencoded")
"""A body that is the file itself; the last is what curl says of ``--data-binary`` when told nothing."""


class ClientDisconnected(HTTPException):
    """The client left before its request was complete; nobody reads the answer."""

    status_code = 499


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came with the request."""

    data: bytes
    content_type: str


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a request by name; ``textual`` when every value is text, numbers and structures too.

    ``size`` is that of the body in bytes.
    """

    values: dict[str, Any]
    uploads: dict[str, list[Upload]]
    textual: bool
    size: int


async def read_fields(request: Request[Any, Any, Any], *, file: str) -> Fields:
    """Everything in the request; a raw body is the upload ``file``. Raises ``InvalidRequest`` and ``HTTPException``."""
    content_type, options = request.content_type
    if content_type == "multipart/form-data":
        form = _Form(options.get("boundary", ""))
        await _read(request, form.feed)
        return form.fields()
    if content_type == "application/json" or content_type.endswith("+json"):
        body = await _body(request)
        return await offloaded(len(body), _json, body)
    if not content_type or content_type.startswith(RAW):
        data = await _body(request)
        check_size(len(data))
        uploads = {file: [Upload(data=data, content_type=content_type)]} if data else {}
        values = _grouped(request.query_params.multi_items())
        return Fields(values=values, uploads=uploads, textual=True, size=len(data))
    raise HTTPException(
        status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        detail=f"Unsupported content type: {content_type!r}. Send 'multipart/form-data' with a 'file', "
        "'application/json' with 'input_audio', or the audio itself as 'audio/*'.",
    )


async def _body(request: Request[Any, Any, Any]) -> bytes:
    """The whole body; unlike ``request.body()`` it is not kept for as long as the answer takes."""
    body = bytearray()
    await _read(request, body.extend)
    return bytes(body)


async def _read(request: Request[Any, Any, Any], take: Callable[[bytes], None]) -> None:
    """Give the body to ``take``, piece by piece."""
    _refuse_encoded(request)
    try:
        async with asyncio.timeout(BODY_SECONDS), aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                take(chunk)
    except TimeoutError:
        raise HTTPException(
            status_code=HTTPStatus.REQUEST_TIMEOUT,
            detail=f"The body of the request did not arrive within {BODY_SECONDS:g} seconds; send a smaller recording.",
        ) from None
    except InternalServerException:  # what Litestar raises for this, and nothing else while it reads a body
        raise ClientDisconnected(detail="The client left before its request was complete.") from None
    except RequestEntityTooLarge:
        # A chunked body does not say how long it is: it was too long by one byte at least.
        raise _too_large(MAX_BODY_BYTES, max(request.content_length or 0, MAX_BODY_BYTES + 1)) from None


def _refuse_encoded(request: Request[Any, Any, Any]) -> None:
    """Refuse a compressed body: recordings hardly shrink, no client compresses unasked, and a few bytes may be many."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in {"", "identity"}:
        raise HTTPException(
            status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            detail=f"Unsupported content encoding: {encoding!r}. Send the body as it is, without 'Content-Encoding'.",
            headers={"accept-encoding": "identity"},
        )


def _json(body: bytes) -> Fields:
    if body.startswith(b"--"):
        raise InvalidRequest(
            "The body is a multipart form, but Content-Type says it is JSON. Send 'Content-Type: multipart/form-data'; "
            "with an OpenAI SDK pass it in options={'headers': …}."
        )
    try:
        values = decode_json(body)
    except ValueError as error:
        raise InvalidRequest(f"We could not parse the JSON body of your request. ({error})") from None
    if not isinstance(values, dict):
        raise InvalidRequest("We could not parse the JSON body of your request. (Expected an object.)")
    return Fields(values=values, uploads={}, textual=False, size=len(body))


class _Form:
    """Takes a form apart while it arrives; all in memory, so that no recording is ever written to disk."""

    def __init__(self, boundary: str) -> None:
        self._texts: list[tuple[str, str]] = []
        self._uploads: dict[str, list[Upload]] = {}
        self._part: MultipartSegment | None = None
        self._data = bytearray()
        self._size = 0
        with _form_errors():
            self._parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS)

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the body. Raises ``InvalidRequest`` and ``HTTPException``."""
        self._size += len(chunk)
        with _form_errors():
            for event in self._parser.parse(chunk):
                if isinstance(event, MultipartSegment):
                    self._part, self._data = event, bytearray()
                elif event:
                    self._data += event
                else:
                    self._end_part()

    def fields(self) -> Fields:
        """All that was in the form, which is complete. Raises ``InvalidRequest``."""
        with _form_errors():
            self._parser.close()
        return Fields(values=_grouped(self._texts), uploads=self._uploads, textual=True, size=self._size)

    def _end_part(self) -> None:
        part, data = self._part, bytes(self._data)
        assert part is not None, "a part ends after it began"
        self._data.clear()
        if part.filename:
            check_size(len(data))
            upload = Upload(data=data, content_type=(part.content_type or "application/octet-stream").lower())
            self._uploads.setdefault(part.name.removesuffix("[]"), []).append(upload)
        else:
            self._texts.append((part.name, data.decode()))


@contextmanager
def _form_errors() -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise InvalidRequest(
            "A field of the form is not text. Send the audio as a file with a name: with curl, -F file=@question.wav",
            param="file",
        ) from None
    except MultipartError as error:
        raise InvalidRequest(f"We could not parse the form in your request. ({error})") from None


def check_size(size: int) -> None:
    """Refuse a file of more than ``MAX_AUDIO_BYTES``."""
    if size > MAX_AUDIO_BYTES:
        raise _too_large(MAX_AUDIO_BYTES, size)


def _too_large(limit: int, size: int) -> HTTPException:
    return HTTPException(
        status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        detail=f"413: Maximum content size limit ({limit}) exceeded ({size} bytes read)",
    )


def _grouped(items: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Repeated names (``x``, ``x[]``) become lists, ``x[a]`` an object, as the SDKs write them in forms."""
    values: dict[str, Any] = {}
    for name, value in items:
        if member := re.fullmatch(r"(\w+)\[(\w+)\]", name):
            holder = values.setdefault(member[1], {})
            if isinstance(holder, dict):
                holder[member[2]] = value
            else:
                values[name] = value  # it is reported as the wrong type that it is
        elif (key := name.removesuffix("[]")) in values:
            earlier = values[key]
            values[key] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            values[key] = [value] if name.endswith("[]") else value
    return values

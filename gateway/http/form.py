"""Reads a request's fields, however they were sent: multipart form, JSON, or a raw audio body with a query string."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.types import HTTPReceiveMessage
from multipart import MultipartError, MultipartSegment, PushMultipartParser  # type: ignore[import-untyped]

from adapters.contract.errors import InvalidRequest
from gateway.http.offload import offloaded
from gateway.wire.json_text import decode_json

MAX_AUDIO_BYTES = 26_214_400
"""OpenAI's limit on an uploaded file."""

MAX_BODY_BYTES = 36 * 1024 * 1024
"""The largest body: base64 makes a third more of the largest file, and there are other fields."""

BODY_SECONDS = 120.0
"""How long a body may take to arrive: a slow sender occupies the place of another client."""

MAX_PARTS = 1000
"""The most parts of a form."""

CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252")
"""Encodings that a field of a form may say it is in; Java's clients say Latin-1 unless they are told otherwise."""

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

    ``size`` is that of the body in bytes. ``ignored`` are fields of the query beside a body that has fields itself.
    """

    values: dict[str, Any]
    uploads: dict[str, list[Upload]]
    textual: bool
    size: int
    ignored: tuple[str, ...] = ()


async def read_fields(request: Request[Any, Any, Any], *, file: str) -> Fields:
    """Everything in the request; a raw body is the upload ``file``. Raises ``InvalidRequest`` and ``HTTPException``."""
    content_type, options = request.content_type
    if content_type == "multipart/form-data":
        form = _Form(options.get("boundary", ""))
        await _read(request, form.feed)
        return _beside_query(await offloaded(form.size, form.fields), request)
    if _is_json(content_type):
        body = await read_body(request)
        return _beside_query(await offloaded(len(body), _json, body), request)
    if not content_type or content_type.startswith(RAW):
        body = await read_body(request)
        check_size(len(body))
        data = await offloaded(len(body), bytes, body)
        uploads = {file: [Upload(data=data, content_type=content_type)]} if data else {}
        values = _grouped(request.query_params.multi_items())
        return Fields(values=values, uploads=uploads, textual=True, size=len(data))
    raise HTTPException(
        status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        detail=f"Unsupported content type: {content_type!r}. Send 'multipart/form-data' with a 'file', "
        "'application/json' with 'input_audio', or the audio itself as 'audio/*'.",
    )


async def read_json(request: Request[Any, Any, Any]) -> Fields:
    """The fields of a body that has to be JSON; none when there is no body. Raises as ``read_fields`` does."""
    content_type = _header(request, b"content-type").partition(";")[0].strip().lower()
    body = await read_body(request)
    if body and not _is_json(content_type):
        raise HTTPException(
            status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            detail=f"Unsupported content type: {content_type!r}. This API method only accepts 'application/json' "
            f"requests, but you specified the header 'Content-Type: {content_type}'. "
            "Please try again with a supported content type.",
        )
    return _beside_query(await offloaded(len(body), _json, body or bytearray(b"{}")), request)


def query_fields(request: Request[Any, Any, Any]) -> Fields:
    """The fields of the query string of a request without a body."""
    return Fields(values=_grouped(request.query_params.multi_items()), uploads={}, textual=True, size=0)


def query_names(request: Request[Any, Any, Any]) -> tuple[str, ...]:
    """The names of the fields in the query string, for a route that takes none."""
    return tuple(_grouped(request.query_params.multi_items()))


def _is_json(content_type: str) -> bool:
    return content_type == "application/json" or content_type.endswith("+json")


def _beside_query(fields: Fields, request: Request[Any, Any, Any]) -> Fields:
    """``fields`` with the names of those that stand in the query only, where nothing reads them."""
    if not request.scope["query_string"]:
        return fields
    ignored = tuple(name for name in query_names(request) if name not in fields.values)
    return msgspec.structs.replace(fields, ignored=ignored)


async def read_body(request: Request[Any, Any, Any]) -> bytearray:
    """The whole body; unlike ``request.body()`` it is not kept for as long as the answer takes."""
    body = bytearray()
    await _read(request, body.extend)
    return body


async def _read(request: Request[Any, Any, Any], take: Callable[[bytes], None]) -> None:
    """Give the body to ``take``, piece by piece."""
    _refuse_encoded(request)
    declared = _header(request, b"content-length")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise _too_large(MAX_BODY_BYTES, int(declared))
    size, more = 0, True
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while more:
                message = cast(HTTPReceiveMessage, await request.receive())
                if message["type"] == "http.disconnect":
                    raise ClientDisconnected(detail="The client left before its request was complete.")
                size += len(message["body"])
                if size > MAX_BODY_BYTES:  # a chunked body does not say how long it is: by one byte at least
                    raise _too_large(MAX_BODY_BYTES, MAX_BODY_BYTES + 1)
                take(message["body"])
                more = message["more_body"]
    except TimeoutError:
        raise HTTPException(
            status_code=HTTPStatus.REQUEST_TIMEOUT,
            detail=f"The body of the request did not arrive within {BODY_SECONDS:g} seconds; send a smaller recording.",
        ) from None


def _header(request: Request[Any, Any, Any], name: bytes) -> str:
    """The first header ``name``; Litestar would decode all of them for it."""
    for key, value in request.scope["headers"]:
        if key == name:
            return value.decode("latin-1").strip()
    return ""


def _refuse_encoded(request: Request[Any, Any, Any]) -> None:
    """Refuse a compressed body: recordings hardly shrink, no client compresses unasked, and a few bytes may be many."""
    encoding = _header(request, b"content-encoding")
    if encoding.lower() not in {"", "identity"}:
        raise HTTPException(
            status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            detail=f"Unsupported content encoding: {encoding!r}. Send the body as it is, without 'Content-Encoding'.",
            headers={"accept-encoding": "identity"},
        )


def _json(body: bytearray) -> Fields:
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
        self.size = 0
        self._parts: list[tuple[MultipartSegment, bytearray]] = []
        with _form_errors():
            # File names come in any encoding and nothing uses them; Latin-1 reads all bytes.
            self._parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS, header_charset="latin-1")

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the body. Raises ``InvalidRequest``."""
        self.size += len(chunk)
        with _form_errors():
            for event in self._parser.parse(chunk):
                if isinstance(event, MultipartSegment):
                    self._parts.append((event, bytearray()))
                elif event:
                    self._parts[-1][1].extend(event)

    def fields(self) -> Fields:
        """All that was in the form, which is complete. Raises ``InvalidRequest`` and ``HTTPException``."""
        texts: list[tuple[str, str]] = []
        uploads: dict[str, list[Upload]] = {}
        with _form_errors():
            self._parser.close()
            for part, data in self._parts:
                name = part.name.encode("latin-1").decode(errors="replace")
                if _is_file(part, data):
                    check_size(len(data))
                    upload = Upload(data=bytes(data), content_type=part.content_type or "application/octet-stream")
                    uploads.setdefault(name.removesuffix("[]"), []).append(upload)
                    data.clear()
                else:
                    texts.append((name, _text(name, data, part.charset or "utf-8")))
        return Fields(values=_grouped(texts), uploads=uploads, textual=True, size=self.size)


def _is_file(part: MultipartSegment, data: bytearray) -> bool:
    """Whether a part has a file name, if an empty one beside content, or content of a type that only files have.

    Some clients write a name outside ASCII as ``filename*`` (RFC 5987) alone. A browser's field without a file has
    neither a name nor content.
    """
    disposition = part.header("Content-Disposition", "").lower().replace(" ", "")
    if part.filename or "filename*=" in disposition:
        return True
    media = (part.content_type or "").lower().startswith(("audio/", "video/", "image/"))
    return bool(data) and (media or "filename=" in disposition)


def _text(name: str, data: bytearray, charset: str) -> str:
    """The text of a field. Raises ``InvalidRequest``."""
    try:
        if charset.lower() in CHARSETS:
            return data.decode(charset)
    except UnicodeDecodeError:
        pass  # reported below
    shown = name[:100]
    raise InvalidRequest(
        f"The field {shown!r} of the form is not text in UTF-8. Send a recording or an image as a file with a name: "
        f"with curl, -F {shown}=@question.wav",
        param=shown,
        code="invalid_value",
    )


@contextmanager
def _form_errors() -> Iterator[None]:
    try:
        yield
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
    """Repeated names (``x``, ``x[]``) become lists, ``x[a]`` an object, as the SDKs write them in forms.

    What is empty is absent: many clients send every field that they have.
    """
    values: dict[str, Any] = {}
    for name, value in items:
        if not value:
            continue
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

"""Reads a request's fields, however they were sent: multipart form, JSON, or a raw audio body with a query string."""

import asyncio
import io
import re
from collections.abc import Iterable
from contextlib import aclosing
from http import HTTPStatus
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from multipart import MultipartError, MultipartParser  # type: ignore[import-untyped]

from adapters.contract.errors import InvalidRequest

StructT = TypeVar("StructT", bound=msgspec.Struct)

MAX_AUDIO_BYTES = 26_214_400
"""OpenAI's limit on an uploaded file."""

MAX_BODY_BYTES = 36 * 1024 * 1024
"""The largest body: base64 makes a third more of the largest file, and there are other fields."""

BODY_SECONDS = 120.0
"""How long a body may take to arrive: who sends it slowly takes the place of somebody else."""

MAX_PARTS = 1000
"""The most parts of a form."""

RAW = ("audio/", "video/", "application/octet-stream", "application/x-www-form-urlencoded")
"""A body that is the file itself; the last is what curl says of ``--data-binary`` when told nothing."""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came with the request."""

    data: bytes
    content_type: str


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a request by name; ``textual`` when every value is text, numbers and structures too."""

    values: dict[str, Any]
    uploads: dict[str, list[Upload]]
    textual: bool


async def read_fields(request: Request[Any, Any, Any], *, file: str) -> Fields:
    """Everything in the request; a raw body is the upload ``file``. Raises ``InvalidRequest`` and ``HTTPException``."""
    content_type, options = request.content_type
    if content_type == "multipart/form-data":
        return _multipart(await _body(request), options.get("boundary", ""))
    if content_type == "application/json" or content_type.endswith("+json"):
        return _json(await _body(request))
    if not content_type or content_type.startswith(RAW):
        data = await _body(request)
        check_size(len(data))
        uploads = {file: [Upload(data=data, content_type=content_type)]} if data else {}
        return Fields(values=_grouped(request.query_params.multi_items()), uploads=uploads, textual=True)
    raise HTTPException(
        status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        detail=f"Unsupported content type: {content_type!r}. Send 'multipart/form-data' with a 'file', "
        "'application/json' with 'input_audio', or the audio itself as 'audio/*'.",
    )


def fields_of(
    fields: Fields, model: type[StructT], structures: Iterable[str], files: Iterable[str] = ()
) -> tuple[StructT, tuple[str, ...]]:
    """The fields as ``model``, and the names of those that it does not know and of uploads that are none of ``files``.

    ``structures`` are the fields that hold JSON when they are sent as text. ``null`` is the same as absent. Raises
    ``InvalidRequest`` in OpenAI's words, also for a structure that came as parts which cannot be put together.
    """
    types = {field.name: field.type for field in msgspec.structs.fields(model)}
    if fields.textual:
        _refuse_scattered(fields.values, set(structures))
    values = {name: value for name, value in fields.values.items() if name in types and value is not None}
    if fields.textual:
        values |= {name: _structure(name, values[name], types[name]) for name in structures if name in values}
    unknown = {name for name in fields.values if name not in types} | fields.uploads.keys() - set(files)
    try:
        return msgspec.convert(values, model, strict=not fields.textual), tuple(sorted(unknown))
    except msgspec.ValidationError as error:
        raise invalid(str(error), values, model) from None


async def _body(request: Request[Any, Any, Any]) -> bytes:
    """The whole body; unlike ``request.body()`` it is not kept for as long as the answer takes."""
    try:
        async with asyncio.timeout(BODY_SECONDS), aclosing(request.stream()) as chunks:
            return b"".join([chunk async for chunk in chunks])
    except TimeoutError:
        raise HTTPException(
            status_code=HTTPStatus.REQUEST_TIMEOUT,
            detail=f"The body of the request did not arrive within {BODY_SECONDS:g} seconds; send a smaller recording.",
        ) from None
    except RequestEntityTooLarge:
        # A chunked body does not say how long it is: it was too long by one byte at least.
        raise _too_large(MAX_BODY_BYTES, max(request.content_length or 0, MAX_BODY_BYTES + 1)) from None


def _json(body: bytes) -> Fields:
    if body.startswith(b"--"):
        raise InvalidRequest(
            "The body is a multipart form, but Content-Type says it is JSON. Send 'Content-Type: multipart/form-data'; "
            "with an OpenAI SDK pass it in options={'headers': …}."
        )
    try:
        values = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"We could not parse the JSON body of your request. ({error})") from None
    if not isinstance(values, dict):
        raise InvalidRequest("We could not parse the JSON body of your request. (Expected an object.)")
    return Fields(values=values, uploads={}, textual=False)


def _multipart(body: bytes, boundary: str) -> Fields:
    """The parts of a form; all in memory, so that no recording is ever written to disk."""
    in_memory = {"spool_limit": MAX_BODY_BYTES, "memory_limit": MAX_BODY_BYTES}
    texts: list[tuple[str, str]] = []
    uploads: dict[str, list[Upload]] = {}
    try:
        for part in MultipartParser(io.BytesIO(body), boundary, part_limit=MAX_PARTS, **in_memory):
            if part.filename:
                check_size(part.size)
                upload = Upload(data=part.raw, content_type=part.content_type.lower())
                uploads.setdefault(part.name.removesuffix("[]"), []).append(upload)
            else:
                texts.append((part.name, part.raw.decode()))
    except UnicodeDecodeError:
        raise InvalidRequest(
            "A field of the form is not text. Send the audio as a file with a name: with curl, -F file=@question.wav",
            param="file",
        ) from None
    except MultipartError as error:
        raise InvalidRequest(f"We could not parse the form in your request. ({error})") from None
    return Fields(values=_grouped(texts), uploads=uploads, textual=True)


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
                values[name] = value  # it is told of as what it is
        elif (key := name.removesuffix("[]")) in values:
            earlier = values[key]
            values[key] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            values[key] = [value] if name.endswith("[]") else value
    return values


def _refuse_scattered(names: Iterable[str], structures: set[str]) -> None:
    """Refuse a structure flattened to names such as ``messages[][role]``, from which it cannot be made again."""
    for name in names:
        field, bracket, _ = name.partition("[")
        if bracket and field in structures:
            raise InvalidRequest(
                f"Invalid {field!r}: it cannot be put together from fields such as {name!r}; "
                f"send {field!r} as JSON text: json.dumps(...).",
                param=field,
                code="invalid_value",
            )


def _structure(name: str, value: Any, kind: Any) -> Any:
    """The JSON in a text field of the type ``kind``; what is no JSON stays what it is where text will do."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        if _takes_text(kind):
            return value
        raise InvalidRequest(f"Invalid JSON in {name!r}: {error}.", param=name) from None


def _takes_text(kind: Any) -> bool:
    """Whether a text or a word is among what a type takes."""
    if get_origin(kind) in {Annotated, Union, UnionType}:
        return any(map(_takes_text, get_args(kind)))
    return kind is str or get_origin(kind) is Literal


_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}


def _worded(types: str) -> str:
    return " or ".join(_WORDS.get(word, word) for word in types.split(" | "))


def invalid(problem: str, values: dict[str, Any], model: type[msgspec.Struct]) -> InvalidRequest:
    """What msgspec says of ``values`` for ``model``, in the words of OpenAI's error catalogue."""
    reason, _, path = problem.partition(" - at `$")
    param = path.rstrip("`").lstrip(".")
    value = values.get(re.split(r"[.\[]", param)[0])
    if missing := re.fullmatch(r"Object missing required field `(.+)`", reason):
        inner = f"{param}.{missing[1]}".lstrip(".")
        return InvalidRequest(f"Missing required parameter: '{inner}'.", param=inner, code="missing_required_parameter")
    if limit := re.fullmatch(r"Expected `(float|int)` (>=|<=) ([-\d.]+)", reason):
        kind = "decimal" if limit[1] == "float" else "integer"
        side = "below minimum" if limit[2] == ">=" else "above maximum"
        return InvalidRequest(
            f"Invalid '{param}': {kind} {side} value. Expected a value {limit[2]} {limit[3]}, but got {value} instead.",
            param=param,
            code=f"{kind}_{side.replace(' ', '_')}_value",
        )
    if longest := re.fullmatch(r"Expected `array` of length <= (\d+)", reason):
        return InvalidRequest(
            f"Invalid '{param}': array too long. Expected an array with maximum length {longest[1]}, "
            f"but got an array with length {len(value or ())} instead.",
            param=param,
            code="array_above_max_length",
        )
    if reason.startswith("Invalid enum value"):
        choices = _choices({field.name: field.type for field in msgspec.structs.fields(model)}.get(param))
        supported = f" Supported values are: {', '.join(map(repr, choices))}." if choices else ""
        shown = reason.removeprefix("Invalid enum value ")
        return InvalidRequest(f"Invalid value: {shown}.{supported}", param=param, code="invalid_value")
    if mismatch := re.fullmatch(r"Expected `(.+)`, got `(.+)`", reason):
        wanted, got = _worded(mismatch[1]), _worded(mismatch[2])
        message = f"Invalid type for '{param}': expected {wanted}, but got {got} instead."
        return InvalidRequest(message, param=param, code="invalid_type")
    return InvalidRequest(f"Invalid '{param}': {reason}.", param=param, code="invalid_value")


def _choices(kind: Any) -> tuple[Any, ...]:
    """The words that a type takes, in whatever it wraps them."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(choice for part in get_args(kind) for choice in _choices(part))

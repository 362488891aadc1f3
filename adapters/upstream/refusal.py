"""A refusal as servers write it, in an error body or in the middle of a stream, parsed into one struct; pure."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from adapters.upstream.urls import display_url, parse_url

MAX_RETRY_AFTER = 60.0  # seconds; longer waits are of no use to a client
_MAX_WRAPPERS = 4  # objects around an error object


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal as the server wrote it: the HTTP status, and the fields of the error object of its body.

    ``status`` is ``None`` for an error in the middle of a stream without a status; ``retry_after`` is in seconds.
    ``is_final`` says that the server asks not to retry, ``location`` is where a redirect points to.
    """

    status: int | None = None
    message: str = ""
    names: tuple[str, ...] = ()
    param: str | None = None
    retry_after: float | None = None
    is_final: bool = False
    location: str | None = None


def parse_refusal(body: Any, response: httpx.Response | None = None) -> Refusal:
    """Parse a decoded error body in any of the shapes that servers use; ``body`` may be any value.

    ``response`` is that of a status that is not a success, ``None`` for an error in the middle of a stream.
    """
    fields = _error_object(body)
    code, param = fields.get("code"), fields.get("param")
    return Refusal(
        status=response.status_code if response else _status_in(fields),
        message=_words(fields),
        names=tuple(name for name in (code, fields.get("type"), fields.get("status")) if isinstance(name, str)),
        param=param if isinstance(param, str) else None,
        retry_after=retry_after(response.headers) if response else None,
        is_final=response is not None and response.headers.get("x-should-retry") == "false",
        location=_location(response) if response else None,
    )


def _error_object(body: Any) -> dict[str, Any]:
    """The innermost object that describes the error; text alone is its message."""
    for _ in range(_MAX_WRAPPERS):
        inner = body[0] if isinstance(body, list) and body else body
        if isinstance(inner, dict):
            wrapped = (inner[name] for name in ("error", "errors", "detail") if inner.get(name))
            inner = next((value for value in wrapped if isinstance(value, dict | list)), inner)
        if inner is body:
            break
        body = inner
    return body if isinstance(body, dict) else {"message": body}


def _words(fields: dict[str, Any]) -> str:
    """What the server says in words."""
    said = (fields.get(name) for name in ("message", "error", "detail", "msg", "description"))
    return next((text for text in said if isinstance(text, str) and text), "")


def _status_in(fields: dict[str, Any]) -> int | None:
    for name in ("code", "status", "status_code"):
        text = str(fields.get(name))
        if re.fullmatch(r"[45]\d\d", text):
            return int(text)
    return None


def _location(response: httpx.Response) -> str | None:
    """Where a redirect points to."""
    given = response.headers.get("location")
    if given is None or not response.is_redirect:
        return None
    try:
        target = parse_url(str(response.url.join(given)))
    except (httpx.InvalidURL, ValueError):
        target = None
    return display_url(target) if target else "an address that is not a URL"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that ``retry-after-ms`` or ``retry-after`` (seconds or an HTTP date) ask to wait, at most 60."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        seconds = None if value is None else _number(value)
        if seconds is not None:
            return min(max(seconds * unit, 0.0), MAX_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
        waiting = at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)
    except (ValueError, OverflowError):
        return None
    return min(max(waiting.total_seconds(), 0.0), MAX_RETRY_AFTER)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

"""The one table from what goes wrong with an OpenAI-compatible server to the contract's errors; pure."""

import math
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    Overloaded,
    TimedOut,
    TooLong,
    Unavailable,
    UnknownModel,
    UpstreamError,
)

MAX_RETRY_AFTER = 60.0  # seconds; longer waits are of no use to a client
_MAX_CHARACTERS = 300  # of a text that the server wrote
_MIN_SECRET = 8  # characters; masking a key like "x" would only make messages unreadable

# A status that is not listed is an ``UpstreamError``.
STATUSES: Mapping[int, type[AdapterError]] = {
    400: InvalidRequest,
    404: UpstreamError,
    408: TimedOut,
    413: TooLong,
    422: InvalidRequest,
    429: Overloaded,
    503: Unavailable,
    504: TimedOut,
    529: Unavailable,
}

# The ``code`` or ``type`` of an error is more specific than its status 400, 404 or 429.
NAMES: Mapping[str, type[AdapterError]] = {
    "context_length_exceeded": TooLong,
    "exceed_context_size_error": TooLong,
    "string_above_max_length": TooLong,
    "model_not_found": UnknownModel,
    # The account has no credit left: a retry cannot help.
    "insufficient_quota": UpstreamError,
}

# The status that stands for an error in the middle of a stream: there it has no status of its own.
_IMPLIED_STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "BadRequestError": 400,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "overloaded_error": 503,
    "insufficient_system_resource": 503,  # a ``finish_reason`` of DeepSeek
}

_SENTENCES: Mapping[type[AdapterError], str] = {
    UnknownModel: "The upstream server does not have the requested model.",
    Overloaded: "The upstream server accepts no more requests for now.",
    TimedOut: "The upstream server did not answer in time.",
    Unavailable: "The upstream server is not available for now.",
}


class TransportFault(msgspec.Struct, frozen=True, kw_only=True):
    """Why there was no response: ``what`` completes "The upstream server …", ``short`` is the same in a few words."""

    error: type[AdapterError]
    what: str
    short: str = "cannot be reached"


# The first row whose exception is among the causes decides.
TRANSPORT_FAULTS: tuple[tuple[type[BaseException], TransportFault], ...] = (
    (
        socket.gaierror,
        TransportFault(
            error=Unavailable,
            what="has a host name that cannot be resolved: check --responses_api_base_url",
            short="no such host",
        ),
    ),
    (
        ssl.SSLCertVerificationError,
        TransportFault(error=UpstreamError, what="has a TLS certificate that is not trusted", short="TLS failed"),
    ),
    (
        ssl.SSLError,
        TransportFault(
            error=UpstreamError, what="does not speak TLS correctly: check --responses_api_base_url", short="TLS failed"
        ),
    ),
    (httpx.NetworkError, TransportFault(error=Unavailable, what="cannot be reached")),
    (httpx.ProxyError, TransportFault(error=Unavailable, what="cannot be reached")),
    (
        httpx.RemoteProtocolError,
        TransportFault(error=Unavailable, what="closed the connection without an answer"),
    ),
    (BaseException, TransportFault(error=UpstreamError, what="could not be sent the request")),
)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal as the server wrote it: the HTTP status, and the fields of the error object of its body.

    ``status`` is ``None`` for an error in the middle of a stream without a status; ``retry_after`` is in seconds.
    """

    status: int | None = None
    message: str = ""
    names: tuple[str, ...] = ()
    param: str | None = None
    retry_after: float | None = None


def parse_refusal(body: Any, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> Refusal:
    """Parse a decoded error body in any of the shapes that servers use; ``body`` may be any value."""
    first = body[0] if isinstance(body, list) and body else body
    outer: dict[str, Any] = first if isinstance(first, dict) else {}
    error = outer.get("error") or outer
    fields: dict[str, Any] = error if isinstance(error, dict) else {"message": error}
    said = fields.get("message") or fields.get("detail")
    code, param = fields.get("code"), fields.get("param")
    if status is None and isinstance(code, int) and code in range(400, 600):
        status = code
    return Refusal(
        status=status,
        message=said if isinstance(said, str) else "",
        names=tuple(name for name in (code, fields.get("type")) if isinstance(name, str)),
        param=param if isinstance(param, str) else None,
        retry_after=retry_after(headers or {}),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that ``retry-after-ms`` or ``retry-after`` (seconds or an HTTP date) ask to wait, at most 60."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        seconds = None if value is None else _number(value)
        if seconds is not None:
            return min(max(seconds * unit, 0.0), MAX_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    waiting = at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)
    return min(max(waiting.total_seconds(), 0.0), MAX_RETRY_AFTER)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def contract_error(refused: Refusal, *, adapter: str, key: str) -> AdapterError:
    """The contract's error for a refusal by the server behind ``adapter``; ``key`` is masked in the server's words."""
    kind = _kind(refused)
    if not issubclass(kind, InvalidRequest):
        waits = kind in (Overloaded, Unavailable)
        return kind(_sentence(kind, refused), adapter=adapter, retry_after=refused.retry_after if waits else None)
    said = masked(refused.message, key)
    message = f"The upstream server refused the request: {said}" if said else "The upstream server refused the request."
    code = "context_length_exceeded" if kind is TooLong else next(iter(refused.names), None)
    return kind(
        message,
        adapter=adapter,
        param=masked(refused.param, key) if refused.param else None,
        code=masked(code, key) if code else None,
    )


def _kind(refused: Refusal) -> type[AdapterError]:
    implied = (_IMPLIED_STATUSES[name] for name in refused.names if name in _IMPLIED_STATUSES)
    status = refused.status or next(implied, None)
    if status in (None, 400, 404, 413, 422, 429):
        for name in refused.names:
            if name in NAMES:
                return NAMES[name]
        said = refused.message.lower()
        if "maximum context length" in said:
            return TooLong
        # mlx_lm names what it did not find: "… snapshot folder …", "Repository Not Found …".
        if status == 404 and any(word in said for word in ("model", "snapshot", "repository")):
            return UnknownModel
    return STATUSES.get(status or 0, UpstreamError)


def _sentence(kind: type[AdapterError], refused: Refusal) -> str:
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if "insufficient_quota" in refused.names:
        return "The gateway's account with the upstream server has no quota left."
    match refused.status:
        case None:
            return "The upstream server reported an error in the middle of its answer."
        case 401 | 403:
            return "The upstream server refused the gateway's credentials."
        case 404:
            return "The upstream server has no such endpoint: check --responses_api_base_url and --llm_backend."
        case status:
            return f"The upstream server failed with status {status}."


def masked(text: str, key: str) -> str:
    """``text`` as one line of at most 300 characters, with ``key`` and everything that looks like an API key masked."""
    line = " ".join(text.split())
    if len(key) >= _MIN_SECRET:
        line = re.sub(re.escape(key[:_MIN_SECRET]) + r"\S*", "***", line)
    line = re.sub(r"\b(?:sk|hf|gsk|csk)[-_][\w*-]{6,}", "***", line)
    return line if len(line) <= _MAX_CHARACTERS else line[: _MAX_CHARACTERS - 1] + "…"


def transport_fault(error: httpx.HTTPError) -> TransportFault:
    """What ``error``, raised before the response headers arrived, means."""
    causes = list(_causes(error))
    return next(fault for kind, fault in TRANSPORT_FAULTS if any(isinstance(cause, kind) for cause in causes))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

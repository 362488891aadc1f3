"""Errors as OpenAI's clients expect them: one table from the contract to HTTP, and one handler for every failure.

Status codes, types and codes follow OpenAI's error catalogue; all four fields of the body are always there.
"""

import logging
import math
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.routes import HTTPRoute
from litestar.types import HTTPScope, Scope

from adapters.contract.errors import (
    AdapterError,
    InvalidRequest,
    Overloaded,
    TimedOut,
    TooLong,
    Unavailable,
    UnknownModel,
    Unsupported,
    UpstreamError,
)
from gateway.access.keys import InvalidKey, NotAllowed
from gateway.access.standing import NothingAllowed
from gateway.conversation.conversation import NotFound
from gateway.http.nearest_route import nearest_route
from gateway.http.request_id import request_id
from gateway.telemetry.log_format import printable, where
from gateway.telemetry.outcome import describe_failure
from gateway.webrtc.calls import NotInstalled

logger = logging.getLogger(__name__)

LONGEST_RETRY_SECONDS = 60
"""Clients refuse to wait longer, or sleep for as long as they are told."""

LONGEST_WAIT_SECONDS = 172_800
"""The longest time that a client is told of whose limit is reached; longer than the other, it is told not to retry."""

LONGEST_MESSAGE = 2000
"""Characters of a message; it may quote what was sent."""


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, in OpenAI's words."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer that is not a success."""

    error: ErrorBody


class HTTPError(msgspec.Struct, frozen=True, kw_only=True):
    """How a class of failure looks over HTTP; ``retry`` is told to the client, ``None`` leaves it to the status.

    ``authenticate`` names the scheme in which a client has to show a key.
    """

    status: int
    type: str
    code: str | None = None
    retry: bool | None = None
    authenticate: str | None = None


CONTRACT: dict[type[AdapterError], HTTPError] = {
    AdapterError: HTTPError(status=500, type="server_error", retry=False),
    InvalidRequest: HTTPError(status=400, type="invalid_request_error"),
    NotInstalled: HTTPError(status=501, type="server_error", code="not_implemented", retry=False),
    NotFound: HTTPError(status=404, type="invalid_request_error"),
    InvalidKey: HTTPError(status=401, type="invalid_request_error", authenticate="Bearer"),
    NotAllowed: HTTPError(status=403, type="invalid_request_error"),
    Unsupported: HTTPError(status=400, type="invalid_request_error", code="unsupported_value"),
    TooLong: HTTPError(status=400, type="invalid_request_error", code="context_length_exceeded"),
    UnknownModel: HTTPError(status=404, type="invalid_request_error", code="model_not_found"),
    Overloaded: HTTPError(status=429, type="rate_limit_error", code="rate_limit_exceeded"),
    NothingAllowed: HTTPError(status=429, type="insufficient_quota", code="insufficient_quota", retry=False),
    Unavailable: HTTPError(status=503, type="server_error", code="service_unavailable", retry=True),
    TimedOut: HTTPError(status=504, type="server_error", code="timeout"),
    UpstreamError: HTTPError(status=502, type="server_error", code="upstream_error", retry=False),
}
"""Contract to HTTP; a subclass that is not listed looks like its nearest base."""

HTTP: dict[int, tuple[str, str | None]] = {
    HTTPStatus.METHOD_NOT_ALLOWED: ("invalid_request_error", "method_not_supported"),
    HTTPStatus.REQUEST_TIMEOUT: ("invalid_request_error", "request_timeout"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("server_error", None),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("invalid_request_error", "unsupported_content_type"),
}
"""Type and code of what the HTTP layer itself refuses; everything below 500 that is not listed has no code."""


def field_names(scope: Scope) -> Mapping[str, str]:
    """What the surface that answers calls the fields of the contract: ``fields`` in the ``opt`` of its handlers."""
    if "route_handler" not in scope:  # no route was found
        return {}
    names: Mapping[str, str] = scope["route_handler"].opt.get("fields", {})
    return names


def describe(error: AdapterError, fields: Mapping[str, str]) -> tuple[HTTPError, ErrorBody]:
    """How ``error`` looks over HTTP; ``fields`` are the surface's names of the contract's fields."""
    mapping = next(CONTRACT[kind] for kind in type(error).__mro__ if kind in CONTRACT)
    param, code = (error.param, error.code) if isinstance(error, InvalidRequest) else (None, None)
    param = param if param is None else fields.get(param, param)
    return mapping, _body(error.message, mapping.type, param=param, code=code or mapping.code)


def _body(message: str, kind: str, *, param: str | None = None, code: str | None = None) -> ErrorBody:
    """What is sent quotes requests and servers: it is cut, and holds no control characters."""
    shown = message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}…"
    return ErrorBody(
        message=printable(shown),
        type=kind,
        param=None if param is None else printable(param),
        code=None if code is None else printable(code),
    )


def stream_error(error: Exception, fields: Mapping[str, str]) -> ErrorAnswer:
    """What is said of a failure after the first byte, when there is no status left to say it with."""
    if isinstance(error, AdapterError):
        body = describe(error, fields)[1]
    else:
        logger.error("a stream failed unexpectedly: %s", where(error))
        body = _INTERNAL
    _forget_frames(error)
    return ErrorAnswer(error=body)


_INTERNAL = ErrorBody(
    message="The server had an error while processing your request. Sorry about that!",
    type="server_error",
    param=None,
    code=None,
)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A failure as it is answered."""

    status: int
    headers: dict[str, str]
    body: ErrorAnswer


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorAnswer]:
    """The one exception handler of the application."""
    answer = answer_of(error, request.scope)
    return Response(answer.body, status_code=answer.status, headers=answer.headers, media_type="application/json")


def answer_of(error: Exception, scope: HTTPScope) -> Answer:
    """How the failure of a request is answered; it is logged here. ``scope`` may lack a route, or even a path."""
    name = request_id(scope)
    match error:
        case AdapterError():
            mapping, body = describe(error, field_names(scope))
            logger.info("%s refused: %s", name, describe_failure(error))
            status, headers = mapping.status, _headers(mapping, error.retry_after)
        case HTTPException(status_code=status) if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.info("%s refused: status %d", name, status)
            body, headers = _http_error(scope, error), dict(error.headers or {})
        case _:
            logger.error("%s failed unexpectedly: %s %s: %s", name, scope["method"], scope["path"], where(error))
            status, body, headers = HTTPStatus.INTERNAL_SERVER_ERROR, _INTERNAL, {"x-should-retry": "false"}
    _forget_frames(error)
    return Answer(status=status, headers=headers, body=ErrorAnswer(error=body))


def _forget_frames(error: BaseException | None) -> None:
    """Let go of what the frames hold that ``error`` passed: recordings, until the garbage collector comes by."""
    while error is not None:
        error.__traceback__ = None
        error = error.__context__


def _headers(mapping: HTTPError, retry_after: float | None) -> dict[str, str]:
    headers = {} if mapping.retry is None else {"x-should-retry": str(mapping.retry).lower()}
    if mapping.authenticate is not None:
        headers["www-authenticate"] = mapping.authenticate
    if retry_after is None:
        return headers
    if mapping.status == HTTPStatus.TOO_MANY_REQUESTS and retry_after > LONGEST_RETRY_SECONDS:
        return {"retry-after": str(math.ceil(min(retry_after, LONGEST_WAIT_SECONDS))), "x-should-retry": "false"}
    seconds = min(max(0.0, retry_after), LONGEST_RETRY_SECONDS)
    return headers | {"retry-after": str(max(1, math.ceil(seconds))), "retry-after-ms": str(math.ceil(seconds * 1000))}


def _routes(scope: HTTPScope) -> dict[str, Collection[str]]:
    """The paths of the application and their methods, but for OPTIONS, which all have."""
    return {
        route.path_format: route.methods - {"OPTIONS"}
        for route in scope["litestar_app"].routes
        if isinstance(route, HTTPRoute)
    }


def _http_error(scope: HTTPScope, error: HTTPException) -> ErrorBody:
    kind, code = HTTP.get(error.status_code, ("invalid_request_error", None))
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            message = f"Invalid URL ({scope['method']} {scope['path']})"
            if nearest := nearest_route(scope["method"], scope["path"], _routes(scope)):
                message += f". Did you mean {nearest}?"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            message = (
                f"Not allowed to {scope['method']} on {scope['path']}. "
                "(HINT: Perhaps you meant to use a different HTTP method?)"
            )
        case _:
            message = error.detail
    return _body(message, kind, code=code)

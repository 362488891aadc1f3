"""The answer of a route that needs no engine: one JSON document, with the headers that every answer has."""

from typing import Any, TypeVar

import msgspec
from litestar import MediaType, Response

from gateway.http.headers import AnswerHead, headers_of

BodyT = TypeVar("BodyT", bound=msgspec.Struct | dict[str, Any] | bytes)


def json_answer(body: BodyT, ignored: tuple[str, ...] = ()) -> Response[BodyT]:
    """``body`` as JSON, which bytes are already; ``ignored`` are parameters that had no effect."""
    headers = headers_of(AnswerHead(ignored=ignored))
    return Response(body, headers=headers, media_type=MediaType.JSON)

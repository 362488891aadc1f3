"""The route of the tiny surface."""

from typing import Any

from litestar import Request, post

from gateway.http.form import read_fields
from gateway.http.openapi import ApiOperation
from gateway.http.validation import fields_of
from tests.support.tiny_surface.schema import TinyRequest, Usage
from tests.support.tiny_surface.translate import usage_of


@post(
    "/v1/words",
    status_code=200,
    opt={"limited": True, "fields": {"text": "input"}},
    operation_class=ApiOperation,
    operation_id="countWords",
    tags=["Tiny"],
)
async def count_words(request: Request[Any, Any, Any]) -> Usage:
    """Count the words of a text."""
    wire, _ = fields_of(await read_fields(request, file="file"), TinyRequest, ())
    return usage_of(wire)

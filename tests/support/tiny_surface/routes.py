"""The route of the tiny surface."""

from typing import Any

from litestar import Request, Response, post

from gateway.http.form import read_json
from gateway.http.json_answer import json_answer
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
async def count_words(request: Request[Any, Any, Any]) -> Response[Usage]:
    """Count the words of a text."""
    wire, unknown = fields_of(await read_json(request), TinyRequest, ())
    return json_answer(usage_of(wire), unknown)

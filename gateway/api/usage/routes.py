"""The usage route: what a key used, or with the operator's key what all used."""

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency

from gateway.access.meter import Meter
from gateway.api.usage.schema import UsageList, UsageQuery
from gateway.api.usage.translate import records_of
from gateway.http.auth import caller_of
from gateway.http.form import query_fields
from gateway.http.json_answer import json_answer
from gateway.http.openapi import query_operation
from gateway.http.validation import fields_of
from gateway.wire.item_page import page_of


@get("/v1/usage", operation_class=query_operation(UsageQuery), operation_id="listUsage", tags=["Operations"])
async def list_usage(request: Request[Any, Any, Any], meter: NamedDependency[Meter]) -> Response[UsageList]:
    """List what was used by key, day and route; the operator's key sees all, others see their own."""
    query, unknown = fields_of(query_fields(request), UsageQuery, ())
    records = records_of(await meter.used(), caller_of(request.scope), query)
    page = page_of([msgspec.to_builtins(record) for record in records], query)
    return json_answer(msgspec.convert(msgspec.structs.asdict(page), UsageList), unknown)

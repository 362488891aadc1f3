"""The voices route: what requests can name as ``voice``."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from gateway.api.voices.schema import VoiceList, VoicesQuery
from gateway.api.voices.translate import voices_of
from gateway.engines.lifecycle import Gateway
from gateway.http.auth import caller_of
from gateway.http.form import query_fields
from gateway.http.json_answer import json_answer
from gateway.http.openapi import query_operation
from gateway.http.validation import fields_of


@get(
    "/v1/audio/voices",
    operation_class=query_operation(VoicesQuery),
    operation_id="listVoices",
    tags=["Audio"],
    sync_to_thread=False,
)
def list_voices(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> Response[VoiceList]:
    """List the voices that requests can name."""
    query, unknown = fields_of(query_fields(request), VoicesQuery, ())
    served = gateway.admit(query.model, caller_of(request.scope), ("tts",), named_by="tts")
    return json_answer(VoiceList(voices=voices_of(served.engines.tts.info)), unknown)

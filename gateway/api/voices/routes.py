"""The voices route: what requests can name as ``voice``."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType

from gateway.api.voices.schema import VoiceList, VoicesQuery
from gateway.api.voices.translate import voices_of
from gateway.engines.lifecycle import Gateway
from gateway.http.form import query_fields
from gateway.http.json_answer import json_answer
from gateway.http.openapi import ApiOperation
from gateway.http.validation import fields_of
from gateway.telemetry.timings import Stopwatch


@dataclass
class VoicesOperation(ApiOperation):
    """The operation with its query, which the handler reads itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        self.parameters = [
            Parameter(
                name="model",
                param_in="query",
                schema=Schema(type=OpenAPIType.STRING),
                description="Whose voices; the first model's when left out. OpenAI's names of speech models work too.",
            )
        ]
        super().__post_init__()


@get(
    "/v1/audio/voices", operation_class=VoicesOperation, operation_id="listVoices", tags=["Audio"], sync_to_thread=False
)
def list_voices(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> Response[VoiceList]:
    """List the voices that requests can name."""
    watch = Stopwatch()
    query, unknown = fields_of(query_fields(request), VoicesQuery, ())
    served = gateway.admit(query.model, ("tts",), named_by="tts")
    return json_answer(VoiceList(voices=voices_of(served.engines.tts.info)), watch, unknown)

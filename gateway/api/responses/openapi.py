"""The Responses route's part of the API description: its body, and its answer as events or whole."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse

from gateway.api.responses.events import Event
from gateway.api.responses.schema import Response, ResponsesRequest
from gateway.http.openapi import ApiOperation, WireSchema, answer_headers, json_body, json_schema, reference

NOT_SENT = {"x-transcript", "x-transcript-truncated"}
"""Headers that this answer lacks: nothing is heard."""


@dataclass
class ResponsesOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        self.request_body = json_body(ResponsesRequest)
        (schema,), _ = json_schema(Event)
        events = WireSchema(wire={"description": "Each event is two lines, `event: …` and `data: {…}`.", **schema})
        answer = OpenAPIResponse(
            description="The response, whole or as events.",
            headers=answer_headers(NOT_SENT),
            content={
                "application/json": OpenAPIMediaType(schema=reference(Response)),
                "text/event-stream": OpenAPIMediaType(schema=events),
            },
        )
        self.responses = {"200": answer}
        super().__post_init__()

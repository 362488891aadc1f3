"""The Responses route's part of the API description: its body, and its answer as events or whole."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIHeader, OpenAPIMediaType, OpenAPIResponse, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from gateway.api.responses.events import Event
from gateway.api.responses.schema import Response, ResponsesRequest
from gateway.http.headers import HEADERS
from gateway.http.openapi import ApiOperation, WireSchema, json_schema, reference


@dataclass
class ResponsesOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=True, content={"application/json": OpenAPIMediaType(schema=reference(ResponsesRequest))}
        )
        (schema,), _ = json_schema(Event)
        events = WireSchema(wire={"description": "Each event is two lines, `event: …` and `data: {…}`.", **schema})
        answer = OpenAPIResponse(
            description="The response, whole or as events.",
            headers={
                header.name: OpenAPIHeader(schema=Schema(type=OpenAPIType.STRING), description=header.description)
                for header in HEADERS
                if not header.name.startswith("x-transcript")
            },
            content={
                "application/json": OpenAPIMediaType(schema=reference(Response)),
                "text/event-stream": OpenAPIMediaType(schema=events),
            },
        )
        self.responses = {"200": answer}
        super().__post_init__()

"""The part of the API description about Chat Completions."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIHeader, OpenAPIMediaType, OpenAPIResponse, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from gateway.api.chat_completions.schema import ChatCompletion, ChatCompletionChunk, ChatCompletionRequest
from gateway.http.headers import HEADERS
from gateway.http.openapi import ApiOperation, WireSchema, json_schema, reference


@dataclass
class ChatCompletionsOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=True,
            content={"application/json": OpenAPIMediaType(schema=reference(ChatCompletionRequest))},
        )
        (chunk,), _ = json_schema(ChatCompletionChunk)
        events = WireSchema(wire={"description": "Each chunk is one line `data: {…}`; `[DONE]` is last.", **chunk})
        answer = OpenAPIResponse(
            description="The answer: whole, or with `stream` in chunks.",
            headers={
                header.name: OpenAPIHeader(schema=Schema(type=OpenAPIType.STRING), description=header.description)
                for header in HEADERS
            },
            content={
                "application/json": OpenAPIMediaType(schema=reference(ChatCompletion)),
                "text/event-stream": OpenAPIMediaType(schema=events),
            },
        )
        self.responses = {"200": answer}
        super().__post_init__()

"""The part of the API description about Chat Completions."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse

from gateway.api.chat_completions.schema import ChatCompletion, ChatCompletionChunk, ChatCompletionRequest
from gateway.http.openapi import ApiOperation, WireSchema, answer_headers, json_body, json_schema, reference

NOT_SENT = {"x-response-id", "x-conversation-id"}
"""Headers that this answer lacks: no completion is kept."""


@dataclass
class ChatCompletionsOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        self.request_body = json_body(ChatCompletionRequest)
        (chunk,), _ = json_schema(ChatCompletionChunk)
        events = WireSchema(wire={"description": "Each chunk is one line `data: {…}`; `[DONE]` is last.", **chunk})
        answer = OpenAPIResponse(
            description="The answer: whole, or with `stream` in chunks.",
            headers=answer_headers(NOT_SENT),
            content={
                "application/json": OpenAPIMediaType(schema=reference(ChatCompletion)),
                "text/event-stream": OpenAPIMediaType(schema=events),
            },
        )
        self.responses = {"200": answer}
        super().__post_init__()

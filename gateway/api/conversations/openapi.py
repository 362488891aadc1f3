"""The Conversations routes' part of the API description: their bodies."""

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, RequestBody

from gateway.api.conversations.schema import ConversationRequest, ItemsRequest, UpdateRequest
from gateway.http.openapi import ApiOperation, reference

BODIES = {
    "createConversation": ConversationRequest,
    "updateConversation": UpdateRequest,
    "createConversationItems": ItemsRequest,
}
"""The body of each operation that has one; the handlers read it themselves, so that Litestar cannot know."""


@dataclass
class BodyOperation(ApiOperation):
    """An operation with a body."""

    def __post_init__(self) -> None:
        body = BODIES[str(self.operation_id)]
        self.request_body = RequestBody(
            required=True, content={"application/json": OpenAPIMediaType(schema=reference(body))}
        )
        super().__post_init__()

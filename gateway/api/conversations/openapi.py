"""The Conversations routes' part of the API description: their bodies."""

from dataclasses import dataclass

from gateway.api.conversations.schema import ConversationRequest, ItemsRequest, UpdateRequest
from gateway.http.openapi import ApiOperation, json_body

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
        self.request_body = json_body(BODIES[str(self.operation_id)])
        super().__post_init__()

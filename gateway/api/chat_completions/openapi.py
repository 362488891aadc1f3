"""The part of the API description about Chat Completions."""

from dataclasses import dataclass

from gateway.api.chat_completions.schema import ChatCompletion, ChatCompletionChunk, ChatCompletionRequest
from gateway.http.openapi import ApiOperation, json_body, whole_or_events

NOT_SENT = {"x-response-id", "x-conversation-id"}
"""Headers that this answer lacks: no completion is kept."""


@dataclass
class ChatCompletionsOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        self.request_body = json_body(ChatCompletionRequest)
        framing = "Each chunk is one line `data: {…}`; `[DONE]` is last."
        self.responses = {"200": whole_or_events(ChatCompletion, ChatCompletionChunk, framing, NOT_SENT)}
        super().__post_init__()

"""The Responses route's part of the API description: its body, and its answer as events or whole."""

from dataclasses import dataclass

from gateway.api.responses.events import Event
from gateway.api.responses.schema import Response, ResponsesRequest
from gateway.http.openapi import ApiOperation, json_body, whole_or_events

NOT_SENT = {"x-transcript", "x-transcript-truncated"}
"""Headers that this answer lacks: nothing is heard."""


@dataclass
class ResponsesOperation(ApiOperation):
    """The operation as it is; the handler reads its body itself, so that Litestar cannot know."""

    def __post_init__(self) -> None:
        self.request_body = json_body(ResponsesRequest)
        framing = "Each event is two lines, `event: …` and `data: {…}`."
        self.responses = {"200": whole_or_events(Response, Event, framing, NOT_SENT)}
        super().__post_init__()

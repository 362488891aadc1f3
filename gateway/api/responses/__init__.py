"""``/v1/responses``: OpenAI's Responses API over any language model, with the conversations of the voice routes."""

from gateway.api.responses.events import Event
from gateway.api.responses.routes import (
    cancel_response,
    create_response,
    get_response,
    list_input_items,
    remove_response,
)
from gateway.api.responses.schema import Response, ResponsesRequest
from gateway.http.surface import Surface

surface = Surface(
    name="responses",
    handlers=(create_response, get_response, remove_response, cancel_response, list_input_items),
    wire_types=(ResponsesRequest, Response, Event),
)

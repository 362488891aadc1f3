"""``/v1/conversations``: what several responses and spoken turns have in common, as clients make and change it."""

from gateway.api.conversations.routes import (
    create_conversation,
    create_items,
    delete_conversation,
    delete_item,
    get_conversation,
    get_item,
    list_items,
    update_conversation,
)
from gateway.api.conversations.schema import ConversationRequest, ItemsRequest, UpdateRequest
from gateway.http.surface import Surface

surface = Surface(
    name="conversations",
    handlers=(
        create_conversation,
        get_conversation,
        update_conversation,
        delete_conversation,
        list_items,
        create_items,
        get_item,
        delete_item,
    ),
    wire_types=(ConversationRequest, UpdateRequest, ItemsRequest),
)

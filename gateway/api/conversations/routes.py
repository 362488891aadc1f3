"""The routes of the Conversations API."""

from typing import Any, TypeVar

import msgspec
from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.api.conversations import edits
from gateway.api.conversations.openapi import BodyOperation
from gateway.api.conversations.schema import (
    FIELDS,
    Conversation,
    ConversationRequest,
    Deleted,
    ItemsRequest,
    UpdateRequest,
)
from gateway.conversation import conversation as kept
from gateway.conversation.archive import Archive
from gateway.http.form import MAX_BODY_BYTES, Fields, query_fields, read_json
from gateway.http.offload import offloaded
from gateway.http.openapi import ApiOperation
from gateway.http.validation import fields_of
from gateway.wire.item_page import ItemPage, PageQuery, page_of, whole_page
from gateway.wire.items import with_types
from gateway.wire.kept_items import conversation_items

WireT = TypeVar("WireT", bound=msgspec.Struct)


@post(
    "/v1/conversations",
    status_code=200,
    request_max_body_size=MAX_BODY_BYTES,
    opt={"limited": True, "fields": FIELDS},
    operation_class=BodyOperation,
    operation_id="createConversation",
    tags=["Conversations"],
)
async def create_conversation(request: Request[Any, Any, Any], archive: NamedDependency[Archive]) -> Conversation:
    """Begin a conversation, with items if there are any."""
    wire = await _read(request, ConversationRequest)
    return _shown(await edits.begin(archive, wire.items or [], wire.metadata or {}))


@get(
    "/v1/conversations/{conversation_id:str}",
    opt={"limited": True, "fields": FIELDS},
    operation_class=ApiOperation,
    operation_id="getConversation",
    tags=["Conversations"],
)
async def get_conversation(archive: NamedDependency[Archive], conversation_id: FromPath[str]) -> Conversation:
    """Describe a conversation."""
    return _shown(await archive.conversation(conversation_id))


@post(
    "/v1/conversations/{conversation_id:str}",
    status_code=200,
    request_max_body_size=MAX_BODY_BYTES,
    opt={"limited": True, "fields": FIELDS},
    operation_class=BodyOperation,
    operation_id="updateConversation",
    tags=["Conversations"],
)
async def update_conversation(
    request: Request[Any, Any, Any], archive: NamedDependency[Archive], conversation_id: FromPath[str]
) -> Conversation:
    """Replace the metadata of a conversation."""
    wire = await _read(request, UpdateRequest)
    return _shown(await edits.update(archive, conversation_id, wire.metadata))


@delete(
    "/v1/conversations/{conversation_id:str}",
    status_code=200,
    opt={"limited": True, "fields": FIELDS},
    operation_class=ApiOperation,
    operation_id="deleteConversation",
    tags=["Conversations"],
)
async def delete_conversation(archive: NamedDependency[Archive], conversation_id: FromPath[str]) -> Deleted:
    """Forget a conversation; its responses stay."""
    await archive.delete_conversation(conversation_id)
    return Deleted(id=conversation_id)


@get(
    "/v1/conversations/{conversation_id:str}/items",
    opt={"limited": True, "fields": FIELDS},
    operation_class=ApiOperation,
    operation_id="listConversationItems",
    tags=["Conversations"],
)
async def list_items(
    request: Request[Any, Any, Any], archive: NamedDependency[Archive], conversation_id: FromPath[str]
) -> ItemPage:
    """List the items of a conversation."""
    query, _ = fields_of(query_fields(request), PageQuery, ())
    return page_of(await conversation_items(archive, await archive.conversation(conversation_id)), query)


@post(
    "/v1/conversations/{conversation_id:str}/items",
    status_code=200,
    request_max_body_size=MAX_BODY_BYTES,
    opt={"limited": True, "fields": FIELDS},
    operation_class=BodyOperation,
    operation_id="createConversationItems",
    tags=["Conversations"],
)
async def create_items(
    request: Request[Any, Any, Any], archive: NamedDependency[Archive], conversation_id: FromPath[str]
) -> ItemPage:
    """Add items to a conversation."""
    wire = await _read(request, ItemsRequest)
    return whole_page(await edits.add(archive, conversation_id, wire.items))


@get(
    "/v1/conversations/{conversation_id:str}/items/{item_id:str}",
    opt={"limited": True, "fields": FIELDS},
    operation_class=ApiOperation,
    operation_id="getConversationItem",
    tags=["Conversations"],
)
async def get_item(
    archive: NamedDependency[Archive], conversation_id: FromPath[str], item_id: FromPath[str]
) -> dict[str, Any]:
    """Give an item of a conversation."""
    return await edits.find(archive, conversation_id, item_id)


@delete(
    "/v1/conversations/{conversation_id:str}/items/{item_id:str}",
    status_code=200,
    opt={"limited": True, "fields": FIELDS},
    operation_class=ApiOperation,
    operation_id="deleteConversationItem",
    tags=["Conversations"],
)
async def delete_item(
    archive: NamedDependency[Archive], conversation_id: FromPath[str], item_id: FromPath[str]
) -> Conversation:
    """Take an item out of a conversation."""
    return _shown(await edits.remove(archive, conversation_id, item_id))


async def _read(request: Request[Any, Any, Any], kind: type[WireT]) -> WireT:
    """The body of ``request``. Raises ``InvalidRequest``."""
    fields = await read_json(request)
    return await offloaded(fields.size, _converted, fields, kind)


def _converted(fields: Fields, kind: type[WireT]) -> WireT:
    values = {**fields.values}
    if "items" in values:
        values["items"] = with_types(values["items"], "items")
    return fields_of(msgspec.structs.replace(fields, values=values), kind, ())[0]


def _shown(conversation: kept.Conversation) -> Conversation:
    return Conversation(id=conversation.id, created_at=conversation.created_at, metadata=conversation.metadata)

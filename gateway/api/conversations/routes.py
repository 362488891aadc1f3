"""The routes of the Conversations API."""

from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.api.conversations import edits
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
from gateway.http.form import Fields, query_fields, query_names, read_json
from gateway.http.json_answer import json_answer
from gateway.http.offload import offloaded
from gateway.http.openapi import ApiOperation, body_operation, query_operation
from gateway.http.validation import fields_of
from gateway.wire.item_page import ItemPage, PageQuery, page_of, whole_page
from gateway.wire.items import with_types
from gateway.wire.kept_items import conversation_items

WireT = TypeVar("WireT", bound=msgspec.Struct)

OPTIONS = {"limited": True, "fields": FIELDS}


@post(
    "/v1/conversations",
    status_code=200,
    opt=OPTIONS,
    operation_class=body_operation(ConversationRequest),
    operation_id="createConversation",
    tags=["Conversations"],
)
async def create_conversation(
    request: Request[Any, Any, Any], archive: NamedDependency[Archive]
) -> Response[Conversation]:
    """Begin a conversation, with items if there are any."""
    wire, unknown = await _read(request, ConversationRequest)
    return json_answer(_shown(await edits.begin(archive, wire.items or [], wire.metadata or {})), unknown)


@get(
    "/v1/conversations/{conversation_id:str}",
    opt=OPTIONS,
    operation_class=ApiOperation,
    operation_id="getConversation",
    tags=["Conversations"],
)
async def get_conversation(
    request: Request[Any, Any, Any], archive: NamedDependency[Archive], conversation_id: FromPath[str]
) -> Response[Conversation]:
    """Describe a conversation."""
    return json_answer(_shown(await archive.conversation(conversation_id)), query_names(request))


@post(
    "/v1/conversations/{conversation_id:str}",
    status_code=200,
    opt=OPTIONS,
    operation_class=body_operation(UpdateRequest),
    operation_id="updateConversation",
    tags=["Conversations"],
)
async def update_conversation(
    request: Request[Any, Any, Any], archive: NamedDependency[Archive], conversation_id: FromPath[str]
) -> Response[Conversation]:
    """Replace the metadata of a conversation."""
    wire, unknown = await _read(request, UpdateRequest)
    return json_answer(_shown(await edits.update(archive, conversation_id, wire.metadata)), unknown)


@delete(
    "/v1/conversations/{conversation_id:str}",
    status_code=200,
    opt=OPTIONS,
    operation_class=ApiOperation,
    operation_id="deleteConversation",
    tags=["Conversations"],
)
async def delete_conversation(
    request: Request[Any, Any, Any], archive: NamedDependency[Archive], conversation_id: FromPath[str]
) -> Response[Deleted]:
    """Forget a conversation; its responses stay."""
    await archive.delete_conversation(conversation_id)
    return json_answer(Deleted(id=conversation_id), query_names(request))


@get(
    "/v1/conversations/{conversation_id:str}/items",
    opt=OPTIONS,
    operation_class=query_operation(PageQuery),
    operation_id="listConversationItems",
    tags=["Conversations"],
)
async def list_items(
    request: Request[Any, Any, Any], archive: NamedDependency[Archive], conversation_id: FromPath[str]
) -> Response[ItemPage]:
    """List the items of a conversation."""
    query, unknown = fields_of(query_fields(request), PageQuery, ())
    items = await conversation_items(archive, await archive.conversation(conversation_id))
    return json_answer(page_of(items, query), unknown)


@post(
    "/v1/conversations/{conversation_id:str}/items",
    status_code=200,
    opt=OPTIONS,
    operation_class=body_operation(ItemsRequest),
    operation_id="createConversationItems",
    tags=["Conversations"],
)
async def create_items(
    request: Request[Any, Any, Any], archive: NamedDependency[Archive], conversation_id: FromPath[str]
) -> Response[ItemPage]:
    """Add items to a conversation."""
    wire, unknown = await _read(request, ItemsRequest)
    return json_answer(whole_page(await edits.add(archive, conversation_id, wire.items)), unknown)


@get(
    "/v1/conversations/{conversation_id:str}/items/{item_id:str}",
    opt=OPTIONS,
    operation_class=ApiOperation,
    operation_id="getConversationItem",
    tags=["Conversations"],
)
async def get_item(
    request: Request[Any, Any, Any],
    archive: NamedDependency[Archive],
    conversation_id: FromPath[str],
    item_id: FromPath[str],
) -> Response[dict[str, Any]]:
    """Give an item of a conversation."""
    return json_answer(await edits.find(archive, conversation_id, item_id), query_names(request))


@delete(
    "/v1/conversations/{conversation_id:str}/items/{item_id:str}",
    status_code=200,
    opt=OPTIONS,
    operation_class=ApiOperation,
    operation_id="deleteConversationItem",
    tags=["Conversations"],
)
async def delete_item(
    request: Request[Any, Any, Any],
    archive: NamedDependency[Archive],
    conversation_id: FromPath[str],
    item_id: FromPath[str],
) -> Response[Conversation]:
    """Take an item out of a conversation."""
    return json_answer(_shown(await edits.remove(archive, conversation_id, item_id)), query_names(request))


async def _read(request: Request[Any, Any, Any], kind: type[WireT]) -> tuple[WireT, tuple[str, ...]]:
    """The body of ``request``, and the names of fields without effect. Raises ``InvalidRequest``."""
    fields = await read_json(request)
    return await offloaded(fields.size, _converted, fields, kind)


def _converted(fields: Fields, kind: type[WireT]) -> tuple[WireT, tuple[str, ...]]:
    values = {**fields.values}
    if "items" in values:
        values["items"] = with_types(values["items"], "items")
    return fields_of(msgspec.structs.replace(fields, values=values), kind, ())


def _shown(conversation: kept.Conversation) -> Conversation:
    return Conversation(id=conversation.id, created_at=conversation.created_at, metadata=conversation.metadata)

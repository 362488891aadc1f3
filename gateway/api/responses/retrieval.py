"""Responses that are kept: read, deleted, and the items that refer to earlier ones."""

from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.contract.errors import InvalidRequest
from gateway.api.responses.response import Shelf
from gateway.api.responses.schema import Deleted, OutputItem, Response
from gateway.conversation.archive import Archive
from gateway.conversation.conversation import ID, Conversation, NotFound
from gateway.conversation.snapshot import Record
from gateway.conversation.steps import Step
from gateway.wire.conversation import ConversationId
from gateway.wire.items import MOST_ITEMS
from gateway.wire.kept_items import Items, conversation_items, step_items


async def response_json(shelf: Shelf, response_id: str) -> bytes:
    """The response ``response_id``, as it is now. Raises ``NotFound``."""
    if (running := shelf.running.find(response_id)) is not None:
        return msgspec.json.encode(running.response)
    if (record := await shelf.archive.record(response_id)) is not None:
        if record.response is None:
            raise no_response(response_id)
        return record.response
    return msgspec.json.encode(await _spoken_response(shelf.archive, response_id))


async def _spoken_response(archive: Archive, response_id: str) -> Response:
    """The answer of a turn that was not asked for here, such as a spoken one, as a response."""
    state = await archive.state(response_id)
    step = state.steps[-1] if state is not None and state.steps else Step(id=response_id, at=0)
    if state is None or not step.route:
        raise no_response(response_id)
    items = await step_items(archive, response_id)
    return Response(
        id=response_id,
        created_at=step.at,
        status="completed",
        completed_at=step.at,
        model=step.route,
        output=msgspec.convert(tuple(items.output), tuple[OutputItem, ...]),
        conversation=ConversationId(id=state.id),
    )


def no_response(response_id: str) -> NotFound:
    """The refusal of a response that is not kept."""
    return NotFound(f"Response with id '{response_id[:100]}' not found.")


async def delete_response(shelf: Shelf, response_id: str) -> Deleted:
    """Forget a response, but for its items in a conversation that the client named. Raises ``NotFound``."""
    if (running := shelf.running.find(response_id)) is not None:
        await running.cancel()
    conversation = _conversation_in(await response_json(shelf, response_id))
    items = await step_items(shelf.archive, response_id)
    left = None if conversation is None else Record(items=msgspec.json.encode(items.given + items.output))
    await shelf.archive.delete_answer(response_id, left=left)
    return Deleted(id=response_id)


def _conversation_in(response: bytes) -> ConversationId | None:
    """The conversation that a response belongs to, if a client named one."""
    try:
        return msgspec.json.decode(response, type=_Kept).conversation
    except msgspec.MsgspecError:  # no gateway wrote it
        return None


class _Kept(msgspec.Struct):
    conversation: ConversationId | None = None


async def input_items(shelf: Shelf, response_id: str) -> Items:
    """The items that a response was given. Raises ``NotFound``."""
    await response_json(shelf, response_id)
    return (await step_items(shelf.archive, response_id)).given


async def resolved(archive: Archive, values: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request with the items that its input refers to in their place.

    Those are items of kept responses, and of the conversation that is continued. Raises ``InvalidRequest``.
    """
    items = values.get("input")
    if not isinstance(items, list) or len(items) > MOST_ITEMS or not any(map(_refers, items)):
        return values  # too many are refused later
    names = _names(item.get("id") for item in items if _refers(item))
    found = await _found(archive, names, await _continued(archive, values))
    return {**values, "input": [_named_in(found, item["id"]) if _refers(item) else item for item in items]}


def _names(given: Iterable[Any]) -> set[str]:
    """The ids that are referred to. A second reference is refused: a few bytes would become many times a long text."""
    seen: set[str] = set()
    for name in given:
        if not isinstance(name, str):
            raise InvalidRequest(
                "Missing required parameter: 'input[].id', the id of the item that an 'item_reference' refers to.",
                param="messages",
                code="missing_required_parameter",
            )
        if name in seen:
            raise InvalidRequest(
                f"Duplicate item found with id {name[:100]}. Remove duplicate items from your input and try again.",
                param="messages",
                code="invalid_value",
            )
        seen.add(name)
    return seen


def _refers(item: Any) -> bool:
    """Whether ``item`` refers to another; it need not say so if it has nothing but an id."""
    return isinstance(item, dict) and (
        item.get("type") == "item_reference"
        or ("id" in item and all(item[name] is None for name in item if name != "id"))
    )


async def _continued(archive: Archive, values: dict[str, Any]) -> Conversation | None:
    previous, name = values.get("previous_response_id"), values.get("conversation")
    if isinstance(previous, str):
        return await archive.state(previous)
    name = name.get("id") if isinstance(name, dict) else name
    return (await archive.newest(name))[1] if isinstance(name, str) and ID.fullmatch(name) else None


async def _found(archive: Archive, names: set[str], continued: Conversation | None) -> dict[str, dict[str, Any]]:
    """The items ``names``, as far as they are kept; each record is read once, however many items of it are named."""
    owners: dict[str, set[str]] = {}
    gone = set() if continued is None else set(continued.removed)
    for name in names - gone:
        if (owner := await archive.owner(name)) is not None:
            owners.setdefault(owner, set()).add(name)
    found = {} if continued is None else _by_id(await conversation_items(archive, continued), names)
    for owner, named in owners.items():
        step = await step_items(archive, owner)
        found |= _by_id((*step.given, *step.output), named)
    return found


def _by_id(items: Iterable[dict[str, Any]], names: set[str]) -> dict[str, dict[str, Any]]:
    found = ((item.get("id"), item) for item in items)
    return {name: item for name, item in found if isinstance(name, str) and name in names}


def _named_in(found: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if (item := found.get(name)) is not None:
        return item
    raise InvalidRequest(
        f"Item with id '{name[:100]}' not found. Items are not persisted when `store` is set to false. Try again "
        "with `store` set to true, or remove this item from your input.",
        param="messages",
    )

"""Responses that are kept: read, deleted, and the items that refer to earlier ones."""

import msgspec

from adapters.contract.errors import InvalidRequest
from gateway.api.responses.response import Shelf
from gateway.api.responses.schema import Deleted, OutputItem, Response
from gateway.conversation.archive import Archive
from gateway.conversation.conversation import NotFound, Step
from gateway.conversation.snapshot import Record
from gateway.wire.conversation import ConversationId
from gateway.wire.items import InputItem, Item, ItemReference
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
    response = msgspec.json.decode(await response_json(shelf, response_id), type=_Kept)
    items = await step_items(shelf.archive, response_id)
    left = None if response.conversation is None else Record(items=msgspec.json.encode(items.given + items.output))
    await shelf.archive.delete_answer(response_id, left=left)
    return Deleted(id=response_id)


class _Kept(msgspec.Struct):
    """What has to be known of a response before it is deleted."""

    conversation: ConversationId | None = None


async def input_items(shelf: Shelf, response_id: str) -> Items:
    """The items that a response was given. Raises ``NotFound``."""
    await response_json(shelf, response_id)
    return (await step_items(shelf.archive, response_id)).given


async def resolved(archive: Archive, items: list[InputItem], conversation_of: str | None) -> list[Item]:
    """``items`` with those that references name, of a kept response, or of the conversation after ``conversation_of``.

    Raises ``InvalidRequest`` for one that is not kept, or that no language model is given.
    """
    found: list[Item] = []
    for item in items:
        found.append(await _referred(archive, item, conversation_of) if isinstance(item, ItemReference) else item)
    return found


async def _referred(archive: Archive, reference: ItemReference, conversation_of: str | None) -> Item:
    owner = await archive.owner(reference.id)
    listed: Items = (await step_items(archive, owner)).output if owner is not None else []
    if owner is None and conversation_of is not None and (state := await archive.state(conversation_of)) is not None:
        listed = await conversation_items(archive, state)
    for item in listed:
        if item.get("id") == reference.id:
            try:
                return msgspec.convert(item, Item)  # type: ignore[no-any-return]
            except msgspec.ValidationError:
                break  # of a type that only the server that made it understands
    raise InvalidRequest(
        f"Item with id '{reference.id[:100]}' not found. Items are not persisted when `store` is set to false. Try "
        "again with `store` set to true, or remove this item from your input.",
        param="messages",
    )

"""Answers a client's requests about items: add, show, shorten, delete."""

from typing import assert_never

import msgspec

from adapters.contract.errors import InvalidRequest
from gateway.realtime.protocol.client_events import (
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemRetrieve,
    ConversationItemTruncate,
)
from gateway.realtime.protocol.items import (
    ALLOWED,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    Item,
    ItemReference,
    MessageItem,
    OutputAudio,
)
from gateway.realtime.protocol.server_events import ItemAdded, ItemDeleted, ItemDone, ItemRetrieved, ItemTruncated
from gateway.realtime.session.commands import ForgetAudio, KeepAudio, SendItem, TruncateAudio
from gateway.realtime.session.conversation_items import FRONT, silent
from gateway.realtime.session.responses import Responses
from gateway.realtime.session.session_state import SessionState
from gateway.realtime.session.transcripts import ItemTranscripts
from gateway.wire.supported_values import supported_values

ItemRequest = ConversationItemCreate | ConversationItemRetrieve | ConversationItemTruncate | ConversationItemDelete
LONGEST_ID = 64
INVALID_REFERENCE = "item_create_invalid_item_reference"


class ItemRequests:
    """Each request is answered by events, or raises ``InvalidRequest`` and changes nothing."""

    def __init__(self, state: SessionState, transcripts: ItemTranscripts, responses: Responses) -> None:
        self._state = state
        self._transcripts = transcripts
        self._responses = responses

    def handle(self, event: ItemRequest) -> None:
        """Do what ``event`` asks."""
        match event:
            case ConversationItemCreate():
                self._create(event)
            case ConversationItemRetrieve():
                self._retrieve(event)
            case ConversationItemTruncate():
                self._truncate(event)
            case ConversationItemDelete():
                self._delete(event)
            case _:
                assert_never(event)

    def input_of(self, given: list[Item | ItemReference]) -> tuple[Item, ...]:
        """The items of a response's own input, which stay outside the conversation. Raises ``InvalidRequest``."""
        for number, item in enumerate(given):
            if isinstance(item, ItemReference):
                self._existing(item.id, "adding", INVALID_REFERENCE)
            else:
                _check_content(item, f"response.input[{number}]")
        items: list[Item] = []
        for item in given:
            if isinstance(item, ItemReference):
                items.append(self._existing(item.id, "adding", INVALID_REFERENCE))
                continue
            kept, is_unheard = self._kept(msgspec.structs.replace(item, id=""))  # its own may be that of another item
            if is_unheard:
                self._transcripts.finish(kept.id)
            items.append(kept)
        return tuple(items)

    def dropped(self, item_id: str) -> None:
        """The item is no more part of the conversation."""
        self._transcripts.forget(item_id)
        self._responses.playback.forget(item_id)
        self._state.do(ForgetAudio(item_id=item_id))

    def _create(self, event: ConversationItemCreate) -> None:
        state, item, after = self._state, event.item, event.previous_item_id
        _check_content(item, "item")
        if len(item.id) > LONGEST_ID:
            raise InvalidRequest(
                f"Invalid 'item.id': string too long. Expected a string with maximum length {LONGEST_ID}, "
                f"but got a string with length {len(item.id)} instead.",
                param="item.id",
                code="string_above_max_length",
            )
        if item.id in state.items or item.id == FRONT:
            raise InvalidRequest(
                f"Error adding item: the item with id '{item.id}' already exists.",
                param="item.id",
                code="item_create_duplicate_id",
            )
        if after not in (None, FRONT) and after not in state.items:
            raise InvalidRequest(
                f"Error adding item: the previous item with id '{after}' does not exist.",
                param="previous_item_id",
                code="item_create_invalid_previous_item_id",
            )
        if isinstance(item, FunctionCallOutputItem) and not self._is_called(item.call_id):
            raise InvalidRequest(
                f"Tool call ID '{item.call_id}' not found in conversation.",
                param="item.call_id",
                code="invalid_tool_call_id",
            )
        item, is_unheard = self._kept(item)
        previous = state.items.add(item, after)
        state.send(ItemAdded(event_id=state.event_id(), previous_item_id=previous, item=item))
        state.send(ItemDone(event_id=state.event_id(), previous_item_id=previous, item=item))
        if is_unheard:
            self._transcripts.finish(item.id)

    def _retrieve(self, event: ConversationItemRetrieve) -> None:
        item = self._existing(event.item_id, "retrieving", "item_retrieve_invalid_item_id")
        self._state.do(SendItem(event=ItemRetrieved(event_id=self._state.event_id(), item=item)))

    def _truncate(self, event: ConversationItemTruncate) -> None:
        """Forget what the user has not heard. More than there is can be heard no more: clients race with the end."""
        item_id, state = event.item_id, self._state
        item = self._existing(item_id, "truncating", "item_truncate_invalid_item_id")
        if not isinstance(item, MessageItem) or item.role != "assistant":
            raise InvalidRequest(
                "Only model output audio messages can be truncated.", param="item_id", code="invalid_value"
            )
        if event.content_index != 0 or (item.content and not isinstance(item.content[0], OutputAudio)):
            raise InvalidRequest(
                f"Invalid 'content_index': the item {item_id!r} has no audio at {event.content_index}.",
                param="content_index",
                code="invalid_value",
            )
        end_ms = self._responses.truncate(item_id, event.audio_end_ms)
        state.do(TruncateAudio(item_id=item_id, end_ms=end_ms))
        state.send(ItemTruncated(event_id=state.event_id(), item_id=item_id, content_index=0, audio_end_ms=end_ms))

    def _delete(self, event: ConversationItemDelete) -> None:
        self._existing(event.item_id, "deleting", "item_delete_invalid_item_id")
        self._state.items.delete(event.item_id)
        self.dropped(event.item_id)
        self._state.send(ItemDeleted(event_id=self._state.event_id(), item_id=event.item_id))

    def _existing(self, item_id: str, doing: str, code: str) -> Item:
        if (item := self._state.items.get(item_id)) is None:
            raise InvalidRequest(
                f"Error {doing} item: the item with id '{item_id}' does not exist.", param="item_id", code=code
            )
        return item

    def _is_called(self, call_id: str) -> bool:
        return any(isinstance(item, FunctionCallItem) and item.call_id == call_id for item in self._state.items.all())

    def _kept(self, item: Item) -> tuple[Item, bool]:
        """The item with an id, its audio handed over; whether that has to be recognised, as its words are not known."""
        new_id = item.id or self._state.new_id("item")
        item, audio = silent(msgspec.structs.replace(item, id=new_id, status="completed"))
        if audio:
            self._state.do(KeepAudio(item_id=item.id, audio=b"".join(audio)))
        content = item.content if isinstance(item, MessageItem) else []
        unheard = any(isinstance(part, InputAudio) and part.transcript is None for part in content)
        return item, bool(audio) and unheard


def _check_content(item: Item, path: str) -> None:
    """Refuse content that a message of its role cannot hold, and a second recording."""
    if not isinstance(item, MessageItem):
        return
    allowed = ALLOWED[item.role]
    for number, part in enumerate(item.content):
        if not isinstance(part, allowed):
            words = [str(each.__struct_config__.tag) for each in allowed]
            raise InvalidRequest(
                f"Invalid value: '{part.__struct_config__.tag}'. {supported_values(words)}",
                param=f"{path}.content[{number}].type",
                code="invalid_value",
            )
    if sum(isinstance(part, InputAudio | OutputAudio) for part in item.content) > 1:
        raise InvalidRequest(
            "A message holds one recording at most; send each in an item of its own.",
            param=f"{path}.content",
            code="invalid_value",
        )

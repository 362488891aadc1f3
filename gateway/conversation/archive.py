"""What is kept, as clients read and change it: answers by their ids, conversations by theirs."""

import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable

from adapters.contract.errors import InvalidRequest, Unavailable
from gateway.conversation.conversation import GIVEN_ID, ID, Conversation, NotFound
from gateway.conversation.item_ids import family_of
from gateway.conversation.owned_store import OwnedStore
from gateway.conversation.snapshot import Record, Snapshot, decoded, encoded, within

logger = logging.getLogger(__name__)


class Archive:
    """The states and records in ``store``; of one conversation, or one record, at most ``max_bytes``."""

    def __init__(self, store: OwnedStore, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes

    async def state(self, response_id: str) -> Conversation | None:
        """The conversation as it was after the answer, or the edit, ``response_id``."""
        if not GIVEN_ID.fullmatch(response_id):
            return None
        snapshot = decoded(await self._store.get(f"response:{response_id}"), Snapshot)
        return None if snapshot is None else snapshot.conversation

    async def pointer(self, name: str) -> bytes | None:
        """The id of the newest step of the conversation ``name``, as it is stored."""
        return await self._store.get(f"newest:{name}")

    async def newest(self, name: str) -> tuple[bytes | None, Conversation | None]:
        """The pointer to the newest step of the conversation ``name``, and its state."""
        newest = await self.pointer(name)
        state = None if newest is None else await self.state(newest.decode(errors="replace"))
        return newest, state if state is not None and state.id == name else None

    async def conversation(self, name: str) -> Conversation:
        """The conversation ``name`` as it is now. Raises ``NotFound``."""
        state = (await self.newest(name))[1] if ID.fullmatch(name) else None
        if state is None:
            raise self.no_conversation(name)
        return state

    def no_conversation(self, name: str) -> NotFound:
        """The refusal of a conversation that is not kept."""
        return NotFound(f"Conversation with id '{name[:100]}' not found.")

    async def record(self, response_id: str) -> Record | None:
        """What a client gave and was given in the step ``response_id``."""
        if not GIVEN_ID.fullmatch(response_id):
            return None
        return decoded(await self._store.get(f"record:{response_id}"), Record)

    async def owner(self, item_id: str) -> str | None:
        """The step in which the item ``item_id`` came up; none for one that was taken out of a conversation."""
        owner = await self._store.get(f"item:{item_id}") if GIVEN_ID.fullmatch(item_id) else None
        if owner is None and (family := family_of(item_id)) is not None:
            owner = await self._store.get(f"item:{family}")
        return owner.decode(errors="replace") or None if owner is not None else None

    async def disown(self, item_id: str) -> None:
        """Let the item ``item_id`` be found no more. Raises ``Unavailable``."""
        if GIVEN_ID.fullmatch(item_id):
            await self._store.put(f"item:{item_id}", b"")

    async def record_answer(self, response_id: str, record: Record, items: Iterable[str] = ()) -> None:
        """Keep ``record``, and whose ``items`` are; the answer has been given, so a failure is only logged."""
        try:
            await self.keep_record(response_id, record, items)
        except (Unavailable, InvalidRequest) as error:
            logger.error("the record of %s is not kept: %s", response_id, error.message)

    async def keep_record(self, response_id: str, record: Record, items: Iterable[str] = ()) -> None:
        """Keep ``record``, and that ``items``, or families of them, are a part of it.

        Raises ``Unavailable``, ``InvalidRequest``.
        """
        data = encoded(record)
        if len(data) > self._max_bytes:
            raise InvalidRequest("The items are larger than --conversation_max_mb.", code="invalid_value")
        await self._store.put(f"record:{response_id}", data)
        for item in items:
            await self._store.put(f"item:{item}", response_id.encode())

    async def begin(self, conversation: Conversation) -> None:
        """Keep a new conversation. Raises ``Unavailable``, and ``InvalidRequest`` for one that is too large."""
        await self._put(conversation, None)

    async def edit(self, name: str, change: Callable[[Conversation], Awaitable[Conversation]]) -> Conversation:
        """Put the conversation ``name`` in the state that ``change`` makes of it, after all turns that came before.

        Raises ``NotFound``, ``Unavailable``, and what ``change`` raises.
        """
        async with self._store.turn(name):
            pointer, state = await self.newest(name) if ID.fullmatch(name) else (None, None)
            if state is None:
                raise self.no_conversation(name)
            changed = await change(state)
            await self._put(changed, pointer)
            return changed

    async def _put(self, conversation: Conversation, pointer: bytes | None) -> None:
        kept = within(conversation, self._max_bytes)
        if kept is None:
            raise InvalidRequest("The conversation is larger than --conversation_max_mb.", code="invalid_value")
        id_ = f"edit_{uuid.uuid4().hex}"
        await self._store.put(f"response:{id_}", kept[1])
        if not await self._store.advance(f"newest:{conversation.id}", pointer, id_.encode()):
            raise Unavailable("The conversation was continued meanwhile; try again.")

    async def delete_answer(self, response_id: str, *, left: Record | None) -> None:
        """Forget an answer, but for what a conversation that a client named keeps of it: its state and ``left``."""
        state = await self.state(response_id)
        if state is not None:
            async with self._store.turn(state.id):
                if await self.pointer(state.id) == response_id.encode():
                    if left is None:
                        await self._store.delete(f"newest:{state.id}")
                    else:
                        await self._put(state, response_id.encode())
        await self._store.delete(f"response:{response_id}")
        if left is None:
            await self._store.delete(f"record:{response_id}")
        else:
            await self.keep_record(response_id, left)

    async def delete_conversation(self, name: str) -> None:
        """Forget the conversation ``name``; answers of it can still be continued by their ids. Raises ``NotFound``."""
        await self.conversation(name)
        async with self._store.turn(name):
            newest = await self.pointer(name)
            await self._store.delete(f"newest:{name}")
            await self._store.delete(f"summary:{name}")
            if newest is not None and newest.startswith(b"edit_"):
                await self._store.delete(f"response:{newest.decode(errors='replace')}")

"""Conversations of sessions in the store: found again by their ids when a client connects again."""

import logging
import uuid
from collections.abc import Callable

from adapters.contract.errors import AdapterError, InvalidRequest
from gateway.conversation.conversation import ID
from gateway.conversation.history import ConversationRef, History
from gateway.engines.route import ServedRoute
from gateway.realtime.item_messages import items_of, messages_of
from gateway.realtime.protocol.items import Item
from gateway.turns.build import policy_of

logger = logging.getLogger(__name__)


class Memory:
    """The conversation ``conversation_id`` of one caller, whose ``history`` it is."""

    def __init__(self, history: History, served: ServedRoute, conversation_id: str) -> None:
        self._history = history
        self._served = served
        self._conversation_id = conversation_id
        self._step = f"resp_{uuid.uuid4().hex}"  # one for the whole session: each state takes the place of the last

    async def recall(self, new_id: Callable[[str], str]) -> tuple[Item, ...]:
        """What was said before, oldest first; nothing in a new conversation.

        Raises ``InvalidRequest`` for what is no id, and ``Unavailable`` when the store cannot be reached.
        """
        if not ID.fullmatch(self._conversation_id):
            raise InvalidRequest(
                f"Invalid 'conversation': {self._conversation_id[:100]!r} must match [A-Za-z0-9_-]{{1,64}}.",
                param="conversation",
                code="invalid_value",
            )
        _, conversation = await self._history.archive.newest(self._conversation_id)
        if conversation is None:
            return ()
        spoken = (message for turn in conversation.turns for message in turn.messages)
        return items_of((*conversation.opening, *spoken), new_id)

    async def keep(self, items: tuple[Item, ...]) -> None:
        """Store the conversation as it is now; a failure is logged, the session goes on."""
        policy = policy_of(self._served)
        try:
            messages = messages_of(items, lambda _: None)
            ref = ConversationRef(conversation=self._conversation_id, history=messages)
            async with self._history.lease(ref, policy) as lease:
                conversation = lease.conversation.stepped(self._step, self._served.name)
                await self._history.keep(lease, self._step, conversation, policy)
        except AdapterError as error:
            logger.error("the conversation of a session is not kept: %s", error.message)

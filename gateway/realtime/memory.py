"""Conversations of sessions in the store: found again by their ids when a client connects again."""

import logging
import uuid
from collections.abc import Callable

import msgspec

from adapters.contract.errors import AdapterError, InvalidRequest
from gateway.conversation.conversation import ID
from gateway.conversation.history import ConversationRef, History
from gateway.conversation.snapshot import Record
from gateway.engines.route import ServedRoute
from gateway.realtime.protocol.items import Item
from gateway.realtime.session.commands import Remember
from gateway.realtime.session.inputs import Shortened
from gateway.realtime.stored_items import Stored, answered, merged, recalled
from gateway.turns.build import policy_of
from gateway.wire.item_messages import items_of

logger = logging.getLogger(__name__)


class Memory:
    """The conversation ``conversation_id`` of one caller, whose ``history`` it is, and what a session adds to it.

    All that is new at once is one step of the conversation, which has a record of its items.
    """

    def __init__(self, history: History, served: ServedRoute, conversation_id: str) -> None:
        self._history = history
        self._served = served
        self._ref = ConversationRef(conversation=conversation_id)
        self._state = f"edit_{uuid.uuid4().hex}"  # one for the whole session: each state takes the place of the last
        self._stored: Stored = {}
        self._step = _new_step()
        self._tried: Stored = {}  # what is stored if ``_step`` is

    async def recall(self, new_id: Callable[[str], str]) -> tuple[tuple[Item, ...], str | None]:
        """What was said before, oldest first, and the summary of what was before that; nothing in a new conversation.

        Raises ``InvalidRequest`` for what is no id, and ``Unavailable`` when the store cannot be reached.
        """
        name = self._ref.conversation or ""
        if not ID.fullmatch(name):
            raise InvalidRequest(
                f"Invalid 'conversation': {name[:100]!r} must match [A-Za-z0-9_-]{{1,64}}.",
                param="conversation",
                code="invalid_value",
            )
        reading = msgspec.structs.replace(self._ref, keep=False)
        async with self._history.lease(reading, policy_of(self._served)) as lease:
            items, self._stored = recalled(lease.conversation, new_id)
            return items, lease.conversation.summary

    async def keep(self, said: Remember) -> Shortened | None:
        """Store what is new or has changed in the session; what its model is given from now on.

        A failure is logged, the session goes on, and the next time stores this as well. So does an answer with what it
        answers, where guards judge that first.
        """
        policy = policy_of(self._served)
        if self._served.guards.transcript:
            said = msgspec.structs.replace(said, items=answered(said.items))
        try:
            async with self._history.lease(self._ref, policy) as lease:
                if any(each.id == self._step for each in lease.conversation.steps):
                    self._stored, self._step = self._tried, _new_step()  # kept by a store that failed only afterwards
                now = merged(lease.conversation, self._stored, said, self._step)
                for changed in now.steps:
                    await self._record(changed, now.stored)
                self._tried = now.stored
                conversation = now.conversation
                if self._step in now.steps:
                    conversation = conversation.stepped(self._step, self._served.name)
                kept = await self._history.keep(lease, self._state, conversation, policy)
        except AdapterError as error:
            logger.error("the conversation of a session is not kept: %s", error.message)
            return None
        if kept is None:
            return None
        self._stored, self._step = now.stored, _new_step()
        left_out = (id_ for id_, item in self._stored.items() if item.turn is not None and item.turn < kept.gone)
        return Shortened(summary=kept.summary, left_out=frozenset(left_out))

    async def _record(self, step: str, stored: Stored) -> None:
        """Keep the items of a step as they are now; their ids stay what they are, whatever becomes of the others."""
        mine = ((id_, item.message) for id_, item in stored.items() if item.step == step)
        items = [item for id_, message in mine for item in items_of((message,), f"{step} {id_}")]
        await self._history.archive.record_answer(step, Record(items=msgspec.json.encode(items)))


def _new_step() -> str:
    return f"items_{uuid.uuid4().hex}"

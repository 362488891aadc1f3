"""Which conversation a turn continues, and what becomes of that conversation when the turn is over."""

import logging
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unavailable
from gateway.conversation.compaction import Compaction, Start, Writer
from gateway.conversation.conversation import Conversation, Earlier, opened
from gateway.conversation.snapshot import Snapshot, Summary, compacted, decoded, within
from gateway.conversation.store import Store

logger = logging.getLogger(__name__)

HARD_CAP = 2
"""So many times ``chat_size`` is kept at most while summaries are late or fail."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says of its conversation: which one, by an answer's id or its own, and whether it is kept.

    ``history`` are the messages that it gives: with an id and nothing but tool results they are added, else they are
    the history outright.
    """

    previous_response: str | None = None
    conversation: str | None = None
    keep: bool = True
    history: tuple[llm.Message, ...] | None = None

    @property
    def adds_results(self) -> bool:
        """Whether the messages go on from what is kept."""
        named = self.previous_response is not None or self.conversation is not None
        return named and bool(self.history) and all(message.role == "tool" for message in self.history or ())


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How much is remembered: ``chat_size`` turns, with ``compact`` a summary of those before; ``writer`` makes it."""

    chat_size: int
    compact: bool
    writer: Writer


class Joined:
    """A turn's hold on its conversation; ``id`` is ``None`` when the turn is not kept.

    ``conversation`` is what was before, ``newest`` the answer that was its last; ``asked`` are the messages of a turn
    that is still going on, to which tool results have come. ``spent`` is what a summary cost that this turn is the
    first to use.
    """

    def __init__(self, conversation: Conversation, wanted: Wanted, newest: str | None) -> None:
        self.conversation = conversation
        self.id = conversation.id if wanted.keep else None
        self.spent: llm.Usage | None = None
        self.newest = newest
        self._open = wanted.adds_results

    @property
    def asked(self) -> tuple[llm.Message, ...]:
        """What the model is asked besides what is heard: the last turn, when tool results continue it."""
        return self.conversation.turns[-1].messages if self._open else ()

    def earlier(self, prompt: llm.Message | None, role: str) -> Earlier:
        """What stands before the question; ``role`` is that of a summary without a ``prompt`` to stand in."""
        turns = self.conversation.turns[self.conversation.skipped :]
        return Earlier(
            beginning=self.conversation.beginning(prompt, role),
            turns=turns[:-1] if self._open else turns,
            unheard=self.conversation.unheard,
        )


class Conversations:
    """All conversations, in ``store``; one of more than ``max_bytes`` loses its oldest turns."""

    def __init__(self, store: Store, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._compaction = Compaction(store)
        self._start: Start | None = None

    def open(self, start: Start) -> None:
        """Begin to live: ``start`` runs what outlives a turn."""
        self._start = start
        start(self._store.attend())

    async def aclose(self) -> None:
        """Close the store."""
        await self._store.aclose()

    @asynccontextmanager
    async def join(self, wanted: Wanted, policy: Policy) -> AsyncGenerator[Joined, None]:
        """The conversation that is wanted, for one turn: a second turn waits until the block is left.

        Without an id it is a new one, and so it is when it goes on from an answer that is not the last one. Raises
        ``InvalidRequest``, and ``Unavailable`` when too many are waiting or the store cannot be reached.
        """
        async with AsyncExitStack() as held:
            conversation, newest = await self._found(wanted, held)
            spent: llm.Usage | None = None
            if len(conversation.turns) > policy.chat_size or conversation.skipped:
                summary = decoded(await self._store.get(f"summary:{conversation.id}"), Summary)
                if (shorter := compacted(conversation, summary)) is not None and summary is not None:
                    conversation, spent = shorter, summary.usage
            if newest is None and wanted.previous_response is not None:  # it forks
                conversation = msgspec.structs.replace(conversation, id=_new_id())
            if wanted.history is not None and not wanted.adds_results:
                conversation = opened(conversation.id, wanted.history)
            else:
                results = conversation.results((wanted.history or ()) if wanted.adds_results else ())
                conversation = conversation.after(results) if results else conversation
            joined = Joined(conversation, wanted, newest)
            joined.spent = spent if wanted.keep else None
            self.give_way(policy.writer.engine)
            yield joined

    def give_way(self, engine: llm.LanguageModel) -> None:
        """A turn is about to ask ``engine``, which is not to be busy with a summary then."""
        self._compaction.give_way(engine)

    async def _found(self, wanted: Wanted, held: AsyncExitStack) -> tuple[Conversation, str | None]:
        """The conversation, and the id of its last answer when the turn is to follow on that."""
        if wanted.previous_response is not None:
            return await self._continued(wanted.previous_response, wanted.keep, held)
        if wanted.conversation is None:
            return Conversation(id=_new_id()), None
        if wanted.keep:
            await held.enter_async_context(self._store.turn(wanted.conversation))
        newest = await self._newest(wanted.conversation)
        snapshot = await self._snapshot(newest) if newest is not None else None
        return (Conversation(id=wanted.conversation) if snapshot is None else snapshot.conversation), newest

    async def _continued(self, response_id: str, keep: bool, held: AsyncExitStack) -> tuple[Conversation, str | None]:
        snapshot = await self._snapshot(response_id)
        if snapshot is None:
            raise InvalidRequest(
                f"Previous response with id {response_id[:100]!r} not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        if not keep:
            return snapshot.conversation, response_id
        conversation = snapshot.conversation
        if await self._newest(conversation.id) != response_id:
            return conversation, None  # a branch waits for nobody
        await held.enter_async_context(self._store.turn(conversation.id))
        if await self._newest(conversation.id) == response_id:
            return conversation, response_id
        await held.aclose()  # another turn went on meanwhile: nobody need wait for a branch
        return conversation, None

    async def _newest(self, name: str) -> str | None:
        newest = await self._store.get(f"newest:{name}")
        return None if newest is None else newest.decode()

    async def _snapshot(self, response_id: str) -> Snapshot | None:
        return decoded(await self._store.get(f"response:{response_id}"), Snapshot)

    async def keep(self, joined: Joined, response_id: str, conversation: Conversation, policy: Policy) -> bool:
        """Keep ``conversation`` as it is after the answer ``response_id``; whether that could be done.

        The answer has been heard by then: that it will not be remembered is told to the log, it fails nothing.
        """
        if policy.compact:
            conversation = conversation.within(HARD_CAP * policy.chat_size)
        else:
            conversation = conversation.without(conversation.skipped).within(policy.chat_size)
        if (kept := within(conversation, self._max_bytes)) is None:
            logger.warning("%s is not kept: the turn alone is larger than --conversation_max_mb", response_id)
            return False
        conversation, data = kept
        try:
            await self._store.put(f"response:{response_id}", data)
            expected = None if joined.newest is None else joined.newest.encode()
            if not await self._store.advance(f"newest:{conversation.id}", expected, response_id.encode()):
                logger.warning("%s is a branch of its own: another turn went on meanwhile", response_id)
        except Unavailable as error:
            logger.error("%s is not kept: %s", response_id, error.message)
            return False
        if policy.compact and self._start and (len(conversation.turns) > policy.chat_size or conversation.skipped):
            self._compaction.wanted(conversation, policy.writer, self._start)
        return True


def _new_id() -> str:
    return f"conv_{uuid.uuid4().hex}"

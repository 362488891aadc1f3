"""Finds the conversation that a turn continues, holds it for that turn, and stores it when the turn is over."""

import logging
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unavailable
from gateway.access.caller import ANYONE
from gateway.conversation.archive import Archive
from gateway.conversation.compaction import Compaction, Start, Writer
from gateway.conversation.conversation import ID, Conversation, Messages, Turn, begun, opened
from gateway.conversation.owned_store import OwnedStore
from gateway.conversation.snapshot import Summary, compacted, decoded, within
from gateway.conversation.store import Occupied, Store

logger = logging.getLogger(__name__)

HARD_CAP = 2
"""At most this many times ``chat_size`` turns are kept while summaries are late or fail."""


class ConversationRef(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversation a turn belongs to, by an answer's id or by its own, and whether the turn is kept.

    ``history`` are messages of the request: tool results beside an id are added to the history, anything else is the
    whole history. ``added`` are messages that follow what is stored, whatever they are. A ``conversation`` that must
    be ``known`` is not begun by the turn.
    """

    previous_response: str | None = None
    conversation: str | None = None
    known: bool = False
    keep: bool = True
    history: tuple[llm.Message, ...] | None = None
    added: tuple[llm.Message, ...] = ()

    @property
    def recordings(self) -> tuple[llm.Audio, ...]:
        """The recordings in the request's messages, in their order."""
        messages = (*(self.history or ()), *self.added)
        return tuple(part for message in messages for part in message.parts if isinstance(part, llm.Audio))

    def with_words(self, words: Sequence[str]) -> "ConversationRef":
        """The same with what was said in each of the recordings in its place."""
        left = iter(words)
        history = None if self.history is None else tuple(_in_words(message, left) for message in self.history)
        added = tuple(_in_words(message, left) for message in self.added)
        return msgspec.structs.replace(self, history=history, added=added)

    @property
    def adds_results(self) -> bool:
        """Whether the messages continue what is stored."""
        named = self.previous_response is not None or self.conversation is not None
        return named and bool(self.history) and all(message.role == "tool" for message in self.history or ())


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How much is remembered: ``chat_size`` turns, with ``compact`` a summary of those before; ``writer`` makes it."""

    chat_size: int
    compact: bool
    writer: Writer


class ConversationLease(msgspec.Struct, frozen=True, kw_only=True):
    """The exclusive hold of one turn on its conversation, until the turn is kept or over.

    ``conversation`` is what was before, ``newest`` the id of its last answer as it is stored. ``kept`` says whether the
    turn is to be stored. ``continues_turn``: tool results came, so the last turn goes on. ``compaction`` is the cost of
    a summary that this turn is the first to use. ``held`` is what makes it exclusive.
    """

    conversation: Conversation
    newest: bytes | None
    kept: bool
    continues_turn: bool
    compaction: llm.Usage | None
    held: AsyncExitStack

    @property
    def id(self) -> str | None:
        """The conversation's id, ``None`` when the turn is not to be kept."""
        return self.conversation.id if self.kept else None

    def with_changed(self, change: Callable[[Messages], Messages]) -> "ConversationLease":
        """The lease of the conversation with what ``change`` makes of its messages."""
        return msgspec.structs.replace(self, conversation=self.conversation.with_changed(change))

    def split(self, asked: tuple[llm.Message, ...]) -> tuple[tuple[Turn, ...], tuple[llm.Message, ...]]:
        """The turns before the question, and the question, which is ``asked`` now or ends the history.

        A turn that goes on is a part of the question: it is never left out.
        """
        turns = self.conversation.turns[self.conversation.skipped :]
        if turns and (self.continues_turn or not asked):
            return turns[:-1], (*turns[-1].messages, *asked)
        return turns, asked


class History:
    """The conversations of one caller, in ``store``; one of more than ``max_bytes`` loses its oldest turns.

    A new history is that of a gateway without keys; ``of`` gives those of callers with keys, in the same store.
    """

    def __init__(self, store: Store, max_bytes: int) -> None:
        self._whole_store = store
        self._max_bytes = max_bytes
        self._compaction = Compaction()
        self._start: Start | None = None
        self._belong_to(ANYONE.name)

    def _belong_to(self, owner: str) -> None:
        self._store = OwnedStore(self._whole_store, owner)
        self.archive = Archive(self._store, self._max_bytes)

    def of(self, owner: str) -> "History":
        """The conversations of the caller ``owner``; nobody else finds them."""
        history = object.__new__(History)  # a copy: ``copy.copy`` takes ten times as long
        vars(history).update(vars(self))
        history._belong_to(owner)
        return history

    def start_maintenance(self, start: Start) -> None:
        """Start background maintenance; ``start`` runs work that outlives a turn."""
        self._start = start
        start(self._whole_store.attend())

    async def aclose(self) -> None:
        """Close the store."""
        await self._whole_store.aclose()

    @asynccontextmanager
    async def lease(self, ref: ConversationRef, policy: Policy) -> AsyncGenerator[ConversationLease, None]:
        """The conversation ``ref``, for one turn: a second one that names it waits until the turn is kept or over.

        Without an id it is a new one, and so it is when it continues an answer that is not the last one, or that
        another turn is continuing. Raises ``InvalidRequest``, and ``Unavailable`` when too many are waiting or the
        store cannot be reached.
        """
        async with AsyncExitStack() as held:
            conversation, newest = await self._found(ref, held)
            compaction: llm.Usage | None = None
            if len(conversation.turns) > policy.chat_size or conversation.skipped:
                summary = decoded(await self._store.get(f"summary:{conversation.id}"), Summary)
                if (shorter := compacted(conversation, summary)) is not None and summary is not None:
                    conversation, compaction = shorter, summary.usage
            if newest is None and ref.previous_response is not None:
                conversation = conversation.branch(_new_id())
            if ref.history is not None and not ref.adds_results:
                conversation = opened(conversation, ref.history)
            elif ref.history is not None:
                conversation = conversation.with_results(ref.history)
            conversation = conversation.with_added(ref.added)
            self.give_way(policy.writer.engine)
            yield ConversationLease(
                conversation=conversation,
                newest=newest,
                kept=ref.keep,
                continues_turn=ref.adds_results,
                compaction=compaction if ref.keep else None,
                held=held,
            )

    def give_way(self, engine: llm.LanguageModel) -> None:
        """Stop summaries that occupy ``engine``: a turn is about to use it."""
        self._compaction.give_way(engine)

    async def _found(self, ref: ConversationRef, held: AsyncExitStack) -> tuple[Conversation, bytes | None]:
        """The conversation, and the id of its last answer when the turn is to follow on that."""
        if ref.previous_response is not None:
            return await self._continued(ref.previous_response, ref.keep, held)
        if ref.conversation is None:
            return begun(_new_id()), None
        if ref.keep:
            await held.enter_async_context(self._store.turn(ref.conversation))
        newest, conversation = await self.archive.newest(ref.conversation)
        if conversation is None and ref.known:
            raise self.archive.no_conversation(ref.conversation)
        return conversation or begun(ref.conversation), newest

    async def _continued(self, response_id: str, keep: bool, held: AsyncExitStack) -> tuple[Conversation, bytes | None]:
        conversation = await self.archive.state(response_id)
        if conversation is None:
            raise InvalidRequest(
                f"Previous response with id {response_id[:100]!r} not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        newest = response_id.encode()
        if not keep:
            return conversation, newest
        if await self.archive.pointer(conversation.id) != newest:
            return conversation, None  # a branch need not wait
        try:
            await held.enter_async_context(self._store.turn(conversation.id, wait=False))
        except Occupied:
            return conversation, None  # another turn goes on, so this one is a branch
        if await self.archive.pointer(conversation.id) == newest:
            return conversation, newest
        await held.aclose()  # another turn was faster, so this one is a branch and others need not wait for it
        return conversation, None

    async def keep(
        self, lease: ConversationLease, response_id: str, conversation: Conversation, policy: Policy
    ) -> Conversation | None:
        """Store ``conversation`` as it is after the answer ``response_id``; what of it is kept, ``None`` for a failure.

        The answer has been given by then, so a failure to store it is logged and does not fail the turn.
        """
        if policy.compact:
            conversation = conversation.within(HARD_CAP * policy.chat_size)
        else:
            conversation = conversation.without(conversation.skipped).within(policy.chat_size)
        try:
            kept = within(conversation, self._max_bytes)
        except (RecursionError, ValueError, OverflowError) as error:  # what a provider wants back can be anything
            logger.warning("%s is not kept: it cannot be stored (%s)", response_id, type(error).__name__)
            return None
        if kept is None:
            logger.warning("%s is not kept: the turn alone is larger than --conversation_max_mb", response_id)
            return None
        conversation, data = kept
        try:
            await self._store.put(f"response:{response_id}", data)
            if not await self._store.advance(f"newest:{conversation.id}", lease.newest, response_id.encode()):
                logger.warning("%s is a branch of its own: another turn went on meanwhile", response_id)
            await lease.held.aclose()  # who is told that this turn is over can follow it at once
        except Unavailable as error:
            logger.error("%s is not kept: %s", response_id, error.message)
            return None
        if policy.compact and self._start and (len(conversation.turns) > policy.chat_size or conversation.skipped):
            self._compaction.wanted(self._store, conversation, policy.writer, self._start)
        return conversation

    async def keep_spoken(self, audio_id: str, words: str) -> None:
        """Keep the words of a spoken answer; the answer has been given, so a failure is only logged."""
        try:
            await self._store.put(f"spoken:{audio_id}", words.encode())
        except Unavailable as error:
            logger.error("%s is not kept: %s", audio_id, error.message)

    async def spoken_words(self, places: Mapping[str, str]) -> dict[str, str]:
        """The words of spoken answers by their ids, given the place of each in the request.

        Raises ``InvalidRequest`` for one that is not kept, or not any more.
        """
        found: dict[str, str] = {}
        for audio_id, place in places.items():
            data = await self._store.get(f"spoken:{audio_id}") if ID.fullmatch(audio_id) else None
            if data is None:
                message = f"Audio with id {audio_id[:100]!r} not found. It may have expired."
                raise InvalidRequest(message, param=place, code="invalid_value")
            found[audio_id] = data.decode(errors="replace")
        return found


def _in_words(message: llm.Message, words: Iterator[str]) -> llm.Message:
    """``message`` with the next of ``words`` in place of each recording."""
    parts = (llm.Text(text=next(words)) if isinstance(part, llm.Audio) else part for part in message.parts)
    return msgspec.structs.replace(message, parts=tuple(parts))


def _new_id() -> str:
    return f"conv_{uuid.uuid4().hex}"

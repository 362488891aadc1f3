"""What the store keeps, as bytes that say which form they have: a conversation after an answer, summaries, records."""

import hashlib
import logging
from typing import TypeVar

import msgspec

from adapters.contract import llm
from gateway.conversation.conversation import DENSITY, GIVEN_ID, ID, Conversation, Turn
from gateway.conversation.media import without_media

logger = logging.getLogger(__name__)

T = TypeVar("T", bound=msgspec.Struct)

MOST_COUNTED = 2**32
"""More turns or messages than this no conversation has ever had; larger numbers could not be stored again."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag_field="form", tag="snapshot 1"):
    """A conversation as it was after one answer; another ``form`` is a tag of its own."""

    conversation: Conversation


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="form", tag="record 1"):
    """What a client gave and was given in one step, as JSON: ``items`` is an array, ``response`` an object.

    The surface that wrote it reads it; a step that is an edit has no ``response``.
    """

    items: bytes
    response: bytes | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True, tag_field="form", tag="summary 1"):
    """What the first ``through`` turns of a conversation came to; ``digest`` is of the last of them.

    Counted from the beginning, so that it still fits when some of them have been dropped meanwhile.
    """

    through: int
    digest: bytes
    text: str
    usage: llm.Usage | None


def encoded(value: Snapshot | Summary | Record) -> bytes:
    """The bytes of ``value``: MessagePack."""
    return msgspec.msgpack.encode(value)


def decoded(data: bytes | None, kind: type[T]) -> T | None:
    """What the bytes say; ``None`` for nothing, and for what does not hold, with a line in the log.

    Another release may have written a form of its own, and anybody with access to the store anything else.
    """
    if data is None:
        return None
    try:
        value = msgspec.msgpack.decode(data, type=kind, ext_hook=_refuse)
        if isinstance(value, Snapshot):
            _check(value.conversation)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        logger.warning("the store of conversations holds something that is not used (%s)", type(error).__name__)
        return None
    return value


def _refuse(code: int, _data: memoryview) -> None:
    raise ValueError(f"no gateway writes extensions of MessagePack such as {code}")


def _check(conversation: Conversation) -> None:
    """Raise ``ValueError`` for values of the right types that no gateway writes."""
    low, high = DENSITY
    languages = (conversation.languages.asked, conversation.languages.voice)
    counts = [conversation.added, conversation.added_opening]
    counts += [count for step in conversation.steps for count in (step.messages or 0, step.opening)]
    messages = [*conversation.opening, *(message for turn in conversation.turns for message in turn.messages)]
    sound = (
        ID.fullmatch(conversation.id)
        and 0 <= conversation.skipped <= len(conversation.turns)
        and 0 <= conversation.gone < MOST_COUNTED
        and low <= conversation.bytes_per_token <= high
        and all(turn.messages for turn in conversation.turns)
        and all(message.role for message in messages)
        and all(language is None or ID.fullmatch(language) for language in languages)
        and all(GIVEN_ID.fullmatch(step.id) for step in conversation.steps)
        and all(0 <= count < MOST_COUNTED for count in counts)
    )
    if not sound:
        raise ValueError("not a conversation")


def digest(conversation: Conversation, count: int) -> bytes:
    """Tells whether a summary went up to exactly the turn ``count``, with no item taken out since it was written."""
    turn = msgspec.msgpack.encode(conversation.turns[count - 1])
    return hashlib.blake2b(b"".join((turn, *map(str.encode, conversation.removed))), digest_size=16).digest()


def compacted(conversation: Conversation, summary: Summary | None) -> Conversation | None:
    """The conversation with ``summary`` in place of what it was made of; ``None`` if it was made of something else."""
    count = 0 if summary is None else summary.through - conversation.gone
    if summary is None or not 0 < count <= len(conversation.turns):
        return None
    if digest(conversation, count) != summary.digest:
        return None
    return msgspec.structs.replace(conversation.without(count), summary=summary.text)


def within(conversation: Conversation, most: int) -> tuple[Conversation, bytes] | None:
    """What can be kept of it in ``most`` bytes, and those; first the oldest turns go, then pictures and recordings.

    With each turn goes the oldest of the steps: they tell what is in the conversation, not what was.
    """
    data = encoded(Snapshot(conversation=conversation))
    surplus, count = len(data) - most, 0
    while surplus > 0 and count < len(conversation.turns) - 1:
        gone = (conversation.turns[count], *conversation.steps[count : count + 1])
        surplus -= sum(len(msgspec.msgpack.encode(each)) for each in gone)
        count += 1
    if count:
        conversation = msgspec.structs.replace(conversation.without(count), steps=conversation.steps[count:])
        data = encoded(Snapshot(conversation=conversation))
    if len(data) > most:
        turns = tuple(Turn(messages=tuple(map(without_media, turn.messages))) for turn in conversation.turns)
        conversation = msgspec.structs.replace(conversation, turns=turns)
        data = encoded(Snapshot(conversation=conversation))
    return (conversation, data) if len(data) <= most else None

"""A conversation as an immutable value: what was said, what of it a model gets, and what is left out as it grows."""

import re
import time
from collections.abc import Callable, Iterable
from itertools import takewhile

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.conversation.steps import Place, Step, place_of

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Ids of conversations: they go into headers and keys of the store as they are."""

LONGEST_GIVEN_ID = 2_500
"""Characters of an id of an answer or an item: some servers keep in it whose it is."""

GIVEN_ID = re.compile(rf"[A-Za-z0-9_.:=+-]{{1,{LONGEST_GIVEN_ID}}}")
"""Ids that servers give to answers and items: they go into headers and keys of the store, too."""

SUMMARY = "Summary of the earlier part of this conversation, which is not shown any more:\n"
"""What stands before a summary; the rest is the model's own text."""

BYTES_PER_TOKEN = 3.5
"""UTF-8 bytes of a token until an answer has said how many there were: a cautious guess for most scripts."""

DENSITY = (1.0, 8.0)
"""Bytes per token that are believed; what lies outside is a server that counts something else."""


MOST_STEPS = 256
"""Steps that a conversation remembers of its way: as many answers and edits can be listed."""


MOST_REMOVED = 1_000
"""Removed items whose ids a conversation remembers."""


Messages = tuple[llm.Message, ...]


class NotFound(InvalidRequest):
    """Nothing is kept under the id that a request names, or not any more."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What the user said, and all that followed: the answer, tool calls with their results, the answer to those."""

    messages: tuple[llm.Message, ...]


class Languages(msgspec.Struct, frozen=True, kw_only=True):
    """Languages (ISO 639-1) as far as they are known: in which a question was ``asked``, and in which it is answered.

    ``voice`` is what the synthesiser is told; ``None`` leaves it to the voice.
    """

    asked: str | None = None
    voice: str | None = None


class Conversation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was said so far under one id, without the gateway's own system prompt and instructions.

    ``opening`` are the client's own system messages; ``outright`` says that the client set the history itself, so that
    the gateway's prompt does not stand in front. ``skipped`` of the oldest ``turns`` are too much for the model and
    kept until ``summary`` holds them; ``gone`` are those that are no longer stored. ``languages`` are those of the last
    turn. ``bytes_per_token`` is what the last answer's count of tokens came to. ``steps`` are the answers and edits
    that led here, the newest last, and ``removed`` the items of those that a client took out; the newest ``added``
    messages of the turns, and ``added_opening`` of the opening, are of no step yet. ``created_at`` (Unix time) and
    ``metadata`` are for the client.
    """

    id: str
    opening: tuple[llm.Message, ...] = ()
    outright: bool = False
    summary: str | None = None
    turns: tuple[Turn, ...] = ()
    skipped: int = 0
    gone: int = 0
    languages: Languages = Languages()
    bytes_per_token: float = BYTES_PER_TOKEN
    steps: tuple[Step, ...] = ()
    added: int = 0
    added_opening: int = 0
    removed: tuple[str, ...] = ()
    created_at: int = 0
    metadata: dict[str, str] = {}

    def beginning(self, prompt: llm.Message | None, role: str) -> tuple[llm.Message, ...]:
        """What precedes the turns: ``prompt``, the opening, and the summary as a message of ``role``."""
        summary = () if self.summary is None else (llm.Text(text=SUMMARY + self.summary),)
        messages = (prompt, *self.opening, llm.Message(role=role, parts=summary) if summary else None)
        return tuple(message for message in messages if message is not None)

    def with_results(self, given: tuple[llm.Message, ...]) -> "Conversation":
        """The conversation with results of the calls that it ends in.

        Raises ``InvalidRequest`` for a result of another call.
        """
        waiting = self._waiting()
        for message in given:
            for part in message.parts:
                if isinstance(part, llm.ToolResult) and part.call_id not in waiting:
                    raise InvalidRequest(
                        f"No tool call found for the result with tool_call_id {part.call_id[:100]!r}; "
                        "send the id of a call of the answer that is continued.",
                        param="messages",
                        code="invalid_value",
                    )
                if isinstance(part, llm.ToolResult):
                    waiting.remove(part.call_id)
        return self.after(given)

    def with_added(self, messages: tuple[llm.Message, ...]) -> "Conversation":
        """The conversation with the client's ``messages`` after it. Raises ``InvalidRequest`` for a result of no call.

        Calls may be among ``messages`` themselves.
        """
        known = {call_id for message in self._stored() for call_id in _calls(message)} if messages else set()
        for message in messages:
            known.update(_calls(message))
            for part in message.parts:
                if isinstance(part, llm.ToolResult) and part.call_id not in known:
                    raise InvalidRequest(
                        f"No tool call found for function call output with call_id {part.call_id[:100]}.",
                        param="messages",
                        code="invalid_value",
                    )
        return self.after(messages)

    def _stored(self) -> Iterable[llm.Message]:
        return (message for turn in self.turns for message in turn.messages)

    def _waiting(self) -> set[str]:
        """The calls of the newest answer that have no result yet."""
        waiting: set[str] = set()
        role = ""
        for message in self.turns[-1].messages if self.turns else ():
            if message.role == "assistant" and role != "assistant":
                waiting.clear()
            role = message.role
            for part in message.parts:
                if isinstance(part, llm.ToolCall):
                    waiting.add(part.call_id)
                elif isinstance(part, llm.ToolResult):
                    waiting.discard(part.call_id)
        return waiting

    def after(self, messages: tuple[llm.Message, ...]) -> "Conversation":
        """The conversation with ``messages`` added: a user's message begins a turn, all others belong to the last."""
        return msgspec.structs.replace(self, turns=grouped(messages, self.turns), added=self.added + len(messages))

    def opened_with(self, messages: tuple[llm.Message, ...]) -> "Conversation":
        """The conversation with ``messages`` of the system at the end of its opening."""
        opening, added = (*self.opening, *messages), self.added_opening + len(messages)
        return msgspec.structs.replace(self, opening=opening, added_opening=added)

    def with_changed(self, change: Callable[[Messages], Messages]) -> "Conversation":
        """The conversation with what ``change`` makes of its messages."""
        turns = tuple(Turn(messages=change(turn.messages)) for turn in self.turns)
        return msgspec.structs.replace(self, opening=change(self.opening), turns=turns)

    def without_item(self, id_: str) -> "Conversation":
        """The conversation that knows that the item ``id_`` is taken out; its messages are changed ``with_step``."""
        return msgspec.structs.replace(self, removed=(*self.removed, id_)[-MOST_REMOVED:])

    def with_step(self, id_: str, change: Callable[[Messages], Messages]) -> "Conversation":
        """The conversation with what ``change`` makes of the messages that the step ``id_`` added.

        What a summary says of them cannot be changed, so that one goes that may tell of them.
        """
        if (place := self._place(id_)) is None:
            return self
        messages, step = list(self._stored()), self.steps[place.step]
        head, start, end = place.opening, place.turns.start, place.turns.stop
        changed = change((*self.opening[head], *messages[start:end]))
        opening = _head(changed[: head.stop - head.start])
        rest = changed[len(opening) :] if end else ()
        skipped = sum(len(turn.messages) for turn in self.turns[: self.skipped])
        skipped = skipped + start - end + len(rest) if end <= skipped else min(skipped, start)
        messages[start:end] = rest
        hidden = grouped(messages[:skipped])
        step = msgspec.structs.replace(step, messages=len(rest), opening=len(opening))
        return msgspec.structs.replace(
            self,
            opening=(*self.opening[: head.start], *opening, *self.opening[head.stop :]),
            summary=None if place.is_cut else self.summary,
            turns=(*hidden, *grouped(messages[skipped:])),
            skipped=len(hidden),
            steps=(*self.steps[: place.step], step, *self.steps[place.step + 1 :]),
        )

    def added_by(self, id_: str) -> Messages | None:
        """What is left of the messages that the step ``id_`` added; ``None`` where that was not noted."""
        place = self._place(id_)
        if place is None or self.steps[place.step].messages is None:
            return None
        return (*self.opening[place.opening], *tuple(self._stored())[place.turns])

    def _place(self, id_: str) -> Place | None:
        count = sum(len(turn.messages) for turn in self.turns)
        return place_of(id_, self.steps, count - self.added, len(self.opening) - self.added_opening)

    def stepped(self, id_: str, route: str = "") -> "Conversation":
        """The conversation that is stored under ``id_`` now, after an answer of ``route`` or an edit."""
        now = int(time.time())
        step = Step(id=id_, at=now, route=route, messages=self.added, opening=self.added_opening)
        return msgspec.structs.replace(self, steps=(*self.steps, step)[-MOST_STEPS:], added=0, added_opening=0)

    def branch(self, id_: str) -> "Conversation":
        """The same history under another id."""
        return msgspec.structs.replace(self, id=id_, created_at=int(time.time()), metadata={})

    def within(self, most: int) -> "Conversation":
        """At most the newest ``most`` turns."""
        return self.without(len(self.turns) - most)

    def without(self, count: int) -> "Conversation":
        """The conversation without its ``count`` oldest turns."""
        count = min(max(0, count), len(self.turns))
        return msgspec.structs.replace(
            self, turns=self.turns[count:], skipped=max(0, self.skipped - count), gone=self.gone + count
        )

    def skipping(self, count: int) -> "Conversation":
        """The conversation of which the model gets ``count`` turns less."""
        return msgspec.structs.replace(self, skipped=min(self.skipped + count, len(self.turns)))

    def measured(self, size: int, tokens: int) -> "Conversation":
        """The conversation that knows that a request of ``size`` bytes was ``tokens`` tokens, if that is believable."""
        if size <= 0 or tokens <= 0:
            return self
        low, high = DENSITY
        return msgspec.structs.replace(self, bytes_per_token=min(max(size / tokens, low), high))


def _calls(message: llm.Message) -> list[str]:
    return [part.call_id for part in message.parts if isinstance(part, llm.ToolCall)]


def grouped(messages: Iterable[llm.Message], turns: tuple[Turn, ...] = ()) -> tuple[Turn, ...]:
    """``turns`` with ``messages`` after them; a turn goes from a user's message to the next one after an answer.

    Messages of the user that follow one another, as after an answer nobody heard, are one turn.
    """
    groups = [list(turn.messages) for turn in turns[-1:]]  # lists: there may be as many messages as fit into a body
    answered = any(message.role == "assistant" for group in groups for message in group)
    for message in messages:
        if groups and (not answered or message.role in {"assistant", "tool", "system", "developer"}):
            groups[-1].append(message)
        else:
            groups.append([message])
            answered = False
        answered = answered or message.role == "assistant"
    return (*turns[:-1], *(Turn(messages=tuple(group)) for group in groups))


def begun(id_: str, metadata: dict[str, str] | None = None) -> Conversation:
    """A conversation in which nothing was said yet."""
    return Conversation(id=id_, created_at=int(time.time()), metadata=metadata or {})


def _head(messages: Messages) -> Messages:
    """The system messages at the head."""
    return tuple(takewhile(lambda message: message.role in {"system", "developer"}, messages))


def opened(before: Conversation, history: tuple[llm.Message, ...]) -> Conversation:
    """``before`` with a ``history`` that the client sets outright; system messages at its head are kept for good."""
    count = len(_head(history))
    return Conversation(
        id=before.id,
        outright=True,
        opening=history[:count],
        added_opening=count,
        turns=grouped(history[count:]),
        added=len(history) - count,
        languages=before.languages,
        created_at=before.created_at,
        metadata=before.metadata,
    )

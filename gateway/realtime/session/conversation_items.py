"""The items of a session's conversation: their order, how many are kept, and which a model is given."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import assert_never

import msgspec

from gateway.conversation.conversation import MOST_REMOVED, SUMMARY
from gateway.realtime.protocol.items import (
    Content,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    Item,
    MessageItem,
    OutputAudio,
    OutputText,
)

FRONT = "root"
"""The id that stands for what is before the first item."""


class ConversationItems:
    """Items in their order, by id, at most ``most`` of them with ``most_bytes`` in all: ``drop_oldest`` sees to it.

    ``changed`` says that something else than before is to be remembered, ``deleted`` what a client took out last.
    """

    def __init__(self, items: Iterable[Item], most: int, most_bytes: int) -> None:
        self._items = {item.id: item for item in items}
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = sum(size(item) for item in self._items.values())
        self._summary: str | None = None
        self._left_out: frozenset[str] = frozenset()
        self.changed = False
        self.deleted: deque[str] = deque(maxlen=MOST_REMOVED)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._items

    def get(self, id_: str) -> Item | None:
        """The item, if it is there."""
        return self._items.get(id_)

    def transcript(self, id_: str | None) -> str:
        """What is said in the item's recording, as far as it is known."""
        item = self._items.get(id_ or "")
        parts = item.content if isinstance(item, MessageItem) else []
        return next((part.transcript or "" for part in parts if isinstance(part, InputAudio | OutputAudio)), "")

    def recording_index(self, id_: str) -> int:
        """Which part of the message is what was said; the first of one that is not there yet."""
        item = self._items.get(id_)
        parts = item.content if isinstance(item, MessageItem) else []
        return next((index for index, part in enumerate(parts) if isinstance(part, InputAudio)), 0)

    def all(self) -> tuple[Item, ...]:
        """All items in their order."""
        return tuple(self._items.values())

    def shorten(self, summary: str | None, left_out: frozenset[str] = frozenset()) -> None:
        """A model is given ``summary``, if there is one, and not the items ``left_out``."""
        self._summary, self._left_out = summary, left_out

    def for_model(self) -> tuple[Item, ...]:
        """What a model is given of the conversation."""
        shown = (item for item in self._items.values() if item.id not in self._left_out)
        if self._summary is None:
            return tuple(shown)
        return (MessageItem(role="system", content=[InputText(text=SUMMARY + self._summary)]), *shown)

    def last_id(self) -> str | None:
        """The id of the last item."""
        return next(reversed(self._items), None)

    def before(self, id_: str) -> str | None:
        """The id of the item before ``id_``; ``None`` at the front."""
        ids = list(self._items)
        place = ids.index(id_)
        return ids[place - 1] if place else None

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Add ``item`` after ``after`` (``FRONT``, an id, or ``None`` for the end); the id that is before it."""
        previous = self.last_id() if after is None else None if after == FRONT else after
        if previous == self.last_id():
            self._items[item.id] = item
        else:
            place = 0 if previous is None else list(self._items).index(previous) + 1
            items = list(self._items.values())
            self._items = {each.id: each for each in [*items[:place], item, *items[place:]]}
        self._bytes += size(item)
        self.changed = True
        return previous

    def replace(self, item: Item) -> None:
        """``item`` stands for the one of its id, if that is there."""
        if item.id in self._items:
            self._bytes += size(item) - size(self._items[item.id])
            self._items[item.id] = item
            self.changed = True

    def substitute(self, texts: Mapping[str, str]) -> None:
        """Put the values of ``texts`` in place of the texts that are its keys."""
        for item in self.all():
            if (changed := _substituted(item, texts)) != item:
                self.replace(changed)

    def delete(self, id_: str) -> None:
        """The client takes the item out, if it is there."""
        if id_ in self._items:
            self._drop(id_)
            self.deleted.append(id_)

    def drop_oldest(self) -> list[str]:
        """Drop what is too much, never the last item; the ids of what was dropped."""
        dropped = []
        while len(self._items) > 1 and (len(self._items) > self._most or self._bytes > self._most_bytes):
            dropped.append(next(iter(self._items)))
            self._drop(dropped[-1])
        return dropped

    def _drop(self, id_: str) -> None:
        self._bytes -= size(self._items.pop(id_))
        self.changed = True


def size(item: Item) -> int:
    """The bytes of an item that are kept, audio aside."""
    match item:
        case MessageItem():
            return sum(map(_part_size, item.content))
        case FunctionCallItem():
            return len(item.arguments.encode())
        case FunctionCallOutputItem():
            return len(item.output.encode())
        case _:
            assert_never(item)


def _part_size(part: Content) -> int:
    match part:
        case InputText() | OutputText():
            return len(part.text.encode())
        case InputAudio() | OutputAudio():
            return len((part.transcript or "").encode())
        case InputImage():
            return len(part.image_url)
        case _:
            assert_never(part)


def heard(item: Item, transcript: str) -> Item:
    """The message with ``transcript`` for what was said in its recordings."""
    assert isinstance(item, MessageItem), "only messages are heard"
    content: list[Content] = [
        msgspec.structs.replace(part, transcript=transcript) if isinstance(part, InputAudio | OutputAudio) else part
        for part in item.content
    ]
    return msgspec.structs.replace(item, content=content)


def _substituted(item: Item, texts: Mapping[str, str]) -> Item:
    match item:
        case MessageItem():
            return msgspec.structs.replace(item, content=[_substituted_part(part, texts) for part in item.content])
        case FunctionCallOutputItem():
            return msgspec.structs.replace(item, output=texts.get(item.output, item.output))
        case FunctionCallItem():
            return item
        case _:
            assert_never(item)


def _substituted_part(part: Content, texts: Mapping[str, str]) -> Content:
    match part:
        case InputText() | OutputText():
            return msgspec.structs.replace(part, text=texts.get(part.text, part.text))
        case InputAudio() | OutputAudio():
            return msgspec.structs.replace(part, transcript=texts.get(part.transcript or "", part.transcript))
        case InputImage():
            return part
        case _:
            assert_never(part)


def silent(item: Item) -> tuple[Item, list[bytes]]:
    """The item without the audio in it, and that audio."""
    if not isinstance(item, MessageItem):
        return item, []
    audio = [
        part.audio
        for part in item.content
        if isinstance(part, InputAudio | OutputAudio) and isinstance(part.audio, bytes)
    ]
    content: list[Content] = [
        msgspec.structs.replace(part, audio=msgspec.UNSET) if isinstance(part, InputAudio | OutputAudio) else part
        for part in item.content
    ]
    return msgspec.structs.replace(item, content=content), audio

"""Remembers which text was streamed, so that an event that states it as a whole adds only what is missing; pure."""

from collections.abc import Sequence
from enum import IntEnum

from adapters.llm.answer_limits import LimitExceeded
from adapters.llm.responses.item_index import ItemIndex, Key

_MAX_ITEMS = 256
_MAX_CHARACTERS = 1024 * 1024  # that are remembered
_MAX_STATEMENTS = 4 * _MAX_ITEMS


class Level(IntEnum):
    """The events that state a text as a whole, in the order in which they come."""

    TEXT = 1
    PART = 2
    ITEM = 3


class _Item:
    """One message: the pieces of its parts in order, and the highest level that has stated it as a whole."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.parts: dict[int, list[str]] = {}
        self.level = 0

    def add(self, part: int, text: str) -> None:
        if text:
            self.pieces.append(text)
            self.parts.setdefault(part, []).append(text)

    def forget(self) -> None:
        self.pieces.clear()
        self.parts.clear()

    def rests(self, first_part: int, wholes: Sequence[str]) -> list[str] | None:
        """The ends of the complete parts ``wholes`` that were not streamed; ``None`` if something else was streamed.

        The numbers of parts cannot be relied on: vLLM counts every piece as a part of its own.
        """
        owns = ["".join(self.parts.get(part, ())) for part in range(first_part, first_part + len(wholes))]
        said, whole = "".join(self.pieces), "".join(wholes)
        by_part = [text[len(own) :] if text.startswith(own) else None for text, own in zip(wholes, owns, strict=True)]
        if (any(owns) or first_part == 0) and whole.startswith(said):
            return _after(wholes, len(said))
        if all(owns) and None not in by_part:
            return [rest or "" for rest in by_part]
        if any(owns) and said.endswith(whole):
            return [""] * len(wholes)
        if None in by_part or (said and first_part == 0 and not owns[0]):
            return None
        return [rest or "" for rest in by_part]


def _after(texts: Sequence[str], size: int) -> list[str]:
    """``texts`` without their first ``size`` characters."""
    rests = []
    for text in texts:
        rests.append(text[size:])
        size = max(0, size - len(text))
    return rests


class StreamedText:
    """The text of one response, by message and content part; what adds messages raises ``LimitExceeded``.

    Of an answer that is longer than any usual one nothing is remembered: then only what is streamed counts.
    """

    def __init__(self) -> None:
        self._items: list[_Item] = []
        self._index: ItemIndex[_Item] = ItemIndex()
        self._size = 0
        self._statements = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def is_forgotten(self) -> bool:
        """Whether the text was too long to be remembered."""
        return self._size > _MAX_CHARACTERS

    def knows(self, keys: list[Key]) -> bool:
        """Whether a message with these keys has begun."""
        return self._index.find(keys) is not None

    def begin(self, keys: list[Key]) -> None:
        """A message begins; said twice it is still one."""
        if not self.knows(keys[:1]):
            self._new(keys)

    def add(self, keys: list[Key], part: int, text: str) -> None:
        """A piece was streamed."""
        item = self._index.find(keys)
        last = self._items[-1] if self._items else None
        if item is None and last is not None and (not keys or (last.level == 0 and not _has_place(keys))):
            item = last  # some servers send no keys, or another id with each event
        self._append(item or self._new(keys), part, text)

    def rests(self, keys: list[Key], first_part: int, wholes: Sequence[str], level: Level) -> list[str]:
        """The ends of ``wholes``, the complete texts from ``first_part`` on, that were not streamed."""
        self._statements += 1
        if self._statements > _MAX_STATEMENTS:
            raise LimitExceeded(f"stated its texts more than {_MAX_STATEMENTS} times in one answer")
        item = self._match(keys, first_part, wholes, level)
        item.level = max(item.level, level)
        rests = None if self.is_forgotten else item.rests(first_part, wholes)
        rests = rests or [""] * len(wholes)  # what was streamed cannot be taken back
        for part, rest in enumerate(rests, first_part):
            self._append(item, part, rest)
        return rests

    def joined(self) -> str:
        """All text that was streamed or added."""
        return "".join(piece for item in self._items for piece in item.pieces)

    def _match(self, keys: list[Key], first_part: int, wholes: Sequence[str], level: Level) -> _Item:
        """The message that an event at ``level`` states; a new one if none of it was streamed."""
        known = self._index.find(keys)
        last = self._items[-1] if self._items else None
        if known is not None and known.rests(first_part, wholes) is not None:
            return known
        if last is None or last.level >= level or not last.pieces:
            return known or self._new(keys)
        if not (known or _has_place(keys)) or last.rests(first_part, wholes) is not None:
            return last
        return known or self._new(keys)

    def _append(self, item: _Item, part: int, text: str) -> None:
        self._size += len(text)
        if self.is_forgotten:
            for each in self._items:
                each.forget()
        else:
            item.add(part, text)

    def _new(self, keys: list[Key]) -> _Item:
        if len(self._items) == _MAX_ITEMS:
            raise LimitExceeded(f"sent more than {_MAX_ITEMS} messages in one answer")
        item = _Item()
        self._items.append(item)
        self._index.add(keys, item)
        return item


def _has_place(keys: list[Key]) -> bool:
    return any(name == "output index" for name, _ in keys)


class Restatement:
    """Compares all texts of a complete response, one after another, with what was ``streamed``."""

    def __init__(self, streamed: StreamedText) -> None:
        self._streamed = streamed
        self._said = streamed.joined()
        self._count = len(streamed)
        self._at = 0
        self._differs = False

    def rest(self, keys: list[Key], number: int, text: str) -> str:
        """The end of ``text``, in the message ``number`` of the response, that was not streamed."""
        if number >= _MAX_ITEMS:
            raise LimitExceeded(f"sent more than {_MAX_ITEMS} messages in one answer")
        if self._streamed.is_forgotten:
            return ""
        if self._differs:
            return self._if_new(keys, number, text)
        if self._said.startswith(text, self._at):
            self._at += len(text)
            return ""
        if len(text) > len(self._said) - self._at and text.startswith(self._said[self._at :]):
            rest = text[len(self._said) - self._at :]
            self._at = len(self._said)
            return rest
        self._differs = True
        return self._if_new(keys, number, text)

    def _if_new(self, keys: list[Key], number: int, text: str) -> str:
        """``text``, unless it may be another version of what was streamed: that cannot be taken back."""
        is_new = number >= self._count and not self._streamed.knows(keys) and text.strip() not in self._said
        return text if is_new else ""

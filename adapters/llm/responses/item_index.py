"""Finds the output items of a response by the keys that events give them; pure."""

from typing import Generic, TypeVar

T = TypeVar("T")
Key = tuple[str, str | int]


class ItemIndex(Generic[T]):
    """Items by item id, call id and output index: servers differ in which of them is the same in all events of an item.

    Some give one key to several items: then another key decides, or the last item is meant.
    """

    def __init__(self) -> None:
        self._items: dict[Key, list[T]] = {}

    def add(self, keys: list[Key], item: T) -> None:
        """Remember ``item`` under ``keys``."""
        for key in keys:
            items = self._items.setdefault(key, [])
            if not any(known is item for known in items):
                items.append(item)

    def find(self, keys: list[Key]) -> T | None:
        """The item with these ``keys``, the first of which counts most."""
        found = [self._items[key] for key in keys if key in self._items]
        for items in found:
            if len(items) == 1:
                return items[0]
        return found[0][-1] if found else None


def keys_of(item_id: str | None, output_index: int | None, call_id: str | None = None) -> list[Key]:
    """The keys that an event has; an empty one says nothing."""
    keys: list[Key] = [("call id", call_id)] if call_id else []
    keys += [("item id", item_id)] if item_id else []
    keys += [] if output_index is None else [("output index", output_index)]
    return keys

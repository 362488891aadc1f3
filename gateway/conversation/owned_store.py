"""What one caller keeps in a store: nobody else finds it, whatever ids others know or choose."""

from contextlib import AbstractAsyncContextManager

from gateway.access.caller import ANYONE
from gateway.conversation.store import Store


class OwnedStore:
    """The part of ``store`` that belongs to the caller ``owner``: a name, in which there is no colon."""

    def __init__(self, store: Store, owner: str) -> None:
        self._store = store
        # What a gateway without keys has kept has no owner's name: that is how earlier releases kept everything.
        self._prefix = "" if owner == ANYONE.name else f"caller:{owner}:"

    def full(self, key: str) -> str:
        """What ``key`` is in the whole store."""
        return self._prefix + key

    async def get(self, key: str) -> bytes | None:
        """What is kept under ``key``; ``None`` for what never was, or is past its time."""
        return await self._store.get(self._prefix + key)

    async def put(self, key: str, value: bytes) -> None:
        """Keep ``value``."""
        await self._store.put(self._prefix + key, value)

    async def advance(self, key: str, expected: bytes | None, value: bytes) -> bool:
        """Put ``value`` where ``expected``, nothing any more, or ``value`` already is; ``False`` for anything else."""
        return await self._store.advance(self._prefix + key, expected, value)

    async def delete(self, key: str) -> None:
        """Keep nothing under ``key`` any more."""
        await self._store.delete(self._prefix + key)

    def turn(self, name: str, *, wait: bool = True) -> AbstractAsyncContextManager[None]:
        """Be the only one of the owner under ``name``; without ``wait``, ``Occupied`` is raised instead of waiting."""
        return self._store.turn(self._prefix + name, wait=wait)

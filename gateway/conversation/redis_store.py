"""Keeps conversations in Valkey or Redis, so that several gateways serve one conversation."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.commands.core import AsyncScript
from redis.exceptions import InvalidResponse
from redis.exceptions import TimeoutError as NoReply

from adapters.contract.errors import Unavailable
from adapters.options import Secret
from gateway.conversation.store import RETRY_SECONDS, Occupied, TurnQueue
from gateway.redis_client import failure_reason, redis_client, server_place

logger = logging.getLogger(__name__)

Command = Callable[[], Awaitable[Any]]

PREFIX = "speech-gateway:"
"""Every key begins so: the server may be shared."""

ANSWER_SECONDS = 3.0
"""How long connecting and one answer of the server may take together."""

SILENT_SECONDS = 10.0
"""How long no turn waits for a server that did not answer in time; ``attend`` asks it meanwhile."""

LEASE_SECONDS = 8.0
"""How long a gateway that was killed in a turn keeps others from the same conversation."""

POLL_SECONDS = 0.05
"""How often a turn looks whether another gateway has finished its own on the same conversation."""

LEAST_MOST_BYTES = 100_000
"""A value may always be so long: summaries are not bounded by the size of a conversation."""

# Something under our keys that is no text at all, or too long, was written by somebody else: it counts as absent.
_TEXT = """
local function text(key)
    if redis.call('TYPE', key).ok == 'string' then return redis.call('GET', key) end
    return false
end
"""

_READ = """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return false end
if kind ~= 'string' or redis.call('STRLEN', KEYS[1]) > tonumber(ARGV[1]) then return 0 end
return redis.call('GET', KEYS[1])
"""

_TAKE = f"""{_TEXT}
local holder = text(KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

# Gives the places, among the keys, of the leases that are lost.
_RENEW = f"""{_TEXT}
local lost = {{}}
for place, key in ipairs(KEYS) do
    if text(key) == ARGV[1] then redis.call('PEXPIRE', key, ARGV[2]) else lost[#lost + 1] = place end
end
return lost
"""

_LEAVE = f"""{_TEXT}
if text(KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""

_ADVANCE = f"""{_TEXT}
local there = text(KEYS[1])
if not there or there == ARGV[1] or there == ARGV[2] then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1
end
return 0
"""


class RedisStore:
    """A store behind a URL (``redis:``, ``rediss:``, ``unix:``), which may hold a password and is never shown.

    Values are of at most ``max_bytes``. Its turns hold leases. They are the gateway's, whose own turns come one after
    the other anyway: one that an answer of the server got lost about, or whose turn was cancelled while it was taken,
    keeps only other gateways waiting.
    """

    def __init__(self, url: Secret, *, ttl_seconds: float, max_waiting: int, max_bytes: int) -> None:
        self._max_bytes = max(max_bytes, LEAST_MOST_BYTES)
        self._client = redis_client(
            url, "conversation_store", answer_seconds=ANSWER_SECONDS, most_bytes=self._max_bytes
        )
        self._place = server_place(self._client)
        self._ttl_ms = round(ttl_seconds * 1000)
        self._queue = TurnQueue(max_waiting)
        self._read, self._take, self._renew, self._leave, self._advance = map(
            self._client.register_script, (_READ, _TAKE, _RENEW, _LEAVE, _ADVANCE)
        )
        self._gateway = uuid.uuid4().hex
        self._held: set[str] = set()
        self._silent_until = 0.0
        self._answers: bool | None = None

    async def get(self, key: str) -> bytes | None:
        """What is kept under ``key``."""
        value = await self._asked(lambda: self._read(keys=[PREFIX + key], args=[self._max_bytes]), bytes | int | None)
        if isinstance(value, int):
            logger.warning("the store of conversations holds something that no gateway wrote; it counts as absent")
            return None
        found: bytes | None = value
        return found

    async def put(self, key: str, value: bytes) -> None:
        """Keep ``value``."""
        if not await self._asked(lambda: self._client.set(PREFIX + key, value, px=self._ttl_ms), bool):
            raise _unavailable("it does not say that it kept a value")

    async def advance(self, key: str, expected: bytes | None, value: bytes) -> bool:
        """Put ``value`` unless something else than ``expected`` is there, in one step of the server."""
        values: list[bytes | int] = [expected or b"", value, self._ttl_ms]
        return bool(await self._asked(lambda: self._advance(keys=[PREFIX + key], args=values), int))

    async def delete(self, key: str) -> None:
        """Keep nothing under ``key`` any more."""
        await self._asked(lambda: self._client.delete(PREFIX + key), int)

    @asynccontextmanager
    async def turn(self, name: str, *, wait: bool = True) -> AsyncGenerator[None, None]:
        """Be the only one under ``name``: first come, first served here, then a lease among all gateways.

        A lease that was lost, because this process stood still for too long, is told to the log: ``advance`` sees to it
        that nothing is overwritten.
        """
        async with self._queue.place(name, wait=wait):
            while not await self._leased(self._take, name):  # another process gives it back
                if not wait:
                    raise Occupied
                await asyncio.sleep(POLL_SECONDS)
            self._held.add(name)
            try:
                yield
            finally:
                self._held.discard(name)
                try:
                    await self._leased(self._leave, name)
                except Unavailable:
                    logger.warning("the lease of a turn could not be given back; it ends after %g s", LEASE_SECONDS)

    async def _leased(self, script: AsyncScript, name: str) -> bool:
        """What ``script`` makes of the lease of the turn ``name``."""
        return bool(await self._asked(lambda: script(keys=[_lease(name)], args=self._lease_arguments()), int))

    def _lease_arguments(self) -> list[str | int]:
        return [self._gateway, round(LEASE_SECONDS * 1000)]

    async def attend(self) -> None:
        """Renew the leases of the turns under way, and find out whether the server can be reached."""
        while True:
            held = tuple(self._held)
            try:
                lost = await self._renewed(held)
            except Exception as error:  # noqa: BLE001  whatever it is, the leases are renewed when it is over
                self._note(failure_reason(error))
            else:
                self._note(None)
                if lost & self._held:
                    logger.warning("%d turns took longer than their leases were renewed", len(lost & self._held))
            await asyncio.sleep(LEASE_SECONDS / 3)

    async def _renewed(self, names: Sequence[str]) -> set[str]:
        """Renew the leases of ``names``, and give those that are lost."""
        keys = [_lease(name) for name in names]
        places = await self._reply(lambda: self._renew(keys=keys, args=self._lease_arguments()), list)
        return {name for place, name in enumerate(names, 1) if place in places}

    def _note(self, failure: str | None) -> None:
        """Log when the server stops answering as it should, and when it does again."""
        if self._answers is (failure is None):
            return
        self._answers = failure is None
        if failure is None:
            logger.info("conversations are kept at %s", self._place)
        else:
            logger.error(
                "--conversation_store at %s cannot be used (%s); until it can, turns that continue another get 503",
                self._place,
                failure,
            )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _asked(self, command: Command, kind: Any) -> Any:
        """The reply to ``command``, which is of ``kind``; what the server does wrong is ``Unavailable``.

        While the server is silent that is raised at once: no turn waits again for what the turn before waited for.
        """
        if time.monotonic() < self._silent_until:
            raise _unavailable("it did not answer in time a moment ago")
        try:
            return await self._reply(command, kind)
        except Exception as error:  # noqa: BLE001  a broken server can bring the client to raise anything
            raise _unavailable(type(error).__name__) from None

    async def _reply(self, command: Command, kind: Any) -> Any:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reply = await command()
        except (TimeoutError, NoReply):
            self._silent_until = time.monotonic() + SILENT_SECONDS
            raise
        self._silent_until = 0.0
        if not isinstance(reply, kind):
            raise InvalidResponse("a reply of another kind than was asked for")
        return reply


def _lease(name: str) -> str:
    return f"{PREFIX}turn:{name}"


def _unavailable(reason: str) -> Unavailable:
    """The refusal of a turn; what the server said is not passed on."""
    return Unavailable(
        f"The store of conversations does not answer as it should ({reason}); try again shortly.",
        retry_after=RETRY_SECONDS,
    )

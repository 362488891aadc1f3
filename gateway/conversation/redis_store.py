"""Keeps conversations in Valkey or Redis, so that several gateways serve one conversation."""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import RedisError

from adapters.contract.errors import Unavailable
from adapters.options import BadOption, Secret
from gateway.conversation.store import RETRY_SECONDS, TurnQueue

logger = logging.getLogger(__name__)

SCHEMES = ("redis://", "rediss://", "unix://", "valkey://", "valkeys://")

PREFIX = "speech-gateway:"
"""Every key begins so: the server may be shared."""

ANSWER_SECONDS = 3.0
"""How long connecting, or one answer of the server, may take; nothing hangs on a server that is gone."""

LEASE_SECONDS = 8.0
"""How long a gateway that was killed in a turn keeps others from the same conversation."""

POLL_SECONDS = 0.05
"""How often a turn looks whether another gateway has finished its own on the same conversation."""

MOST_CONNECTIONS = 256
"""Commands under way at once; more are refused, not queued without bound."""

_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"

_LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

_ADVANCE = """
local there = redis.call('GET', KEYS[1])
if not there or there == ARGV[1] or there == ARGV[2] then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1
end
return 0
"""


class RedisStore:
    """A store behind a URL (``redis:``, ``rediss:``, ``unix:``), which may hold a password and is never shown.

    Its turns hold leases. They are the gateway's, whose own turns come one after the other anyway: one that an answer
    of the server got lost about, or whose turn was cancelled while it was taken, keeps only other gateways waiting.
    """

    def __init__(self, url: Secret, *, ttl_seconds: float, max_waiting: int) -> None:
        self._client = _client(url)
        self._place = _place(self._client)
        self._ttl_ms = round(ttl_seconds * 1000)
        self._queue = TurnQueue(max_waiting)
        self._take, self._renew, self._leave, self._advance = map(
            self._client.register_script, (_TAKE, _RENEW, _LEAVE, _ADVANCE)
        )
        self._gateway = uuid.uuid4().hex
        self._held: set[str] = set()

    async def get(self, key: str) -> bytes | None:
        """What is kept under ``key``."""
        with _reached():
            value = await self._client.get(PREFIX + key)
        assert not isinstance(value, str), "the client decodes nothing"
        return value

    async def put(self, key: str, value: bytes) -> None:
        """Keep ``value``."""
        with _reached():
            await self._client.set(PREFIX + key, value, px=self._ttl_ms)

    async def advance(self, key: str, expected: bytes | None, value: bytes) -> bool:
        """Put ``value`` unless something else than ``expected`` is there, in one step of the server."""
        with _reached():
            return bool(await self._advance(keys=[PREFIX + key], args=[expected or b"", value, self._ttl_ms]))

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncGenerator[None, None]:
        """Be the only one under ``name``: first come, first served here, then a lease among all gateways.

        A lease that was lost, because this process stood still for too long, is told to the log: ``advance`` sees to it
        that nothing is overwritten.
        """
        async with self._queue.place(name):
            with _reached():
                while not await self._leased(self._take, name):  # noqa: ASYNC110  another process gives it back
                    await asyncio.sleep(POLL_SECONDS)
            self._held.add(name)
            try:
                yield
            finally:
                self._held.discard(name)
                try:
                    await self._leased(self._leave, name)
                except (RedisError, OSError) as error:
                    logger.warning("the lease of a turn runs out by itself: %s", type(error).__name__)

    async def _leased(self, script: AsyncScript, name: str) -> bool:
        """What ``script`` makes of the lease of the turn ``name``."""
        return bool(await script(keys=[f"{PREFIX}turn:{name}"], args=[self._gateway, round(LEASE_SECONDS * 1000)]))

    async def attend(self) -> None:
        """Renew the leases of the turns under way; say at the start whether the server can be reached."""
        try:
            await self._client.ping()
            logger.info("conversations are kept at %s", self._place)
        except (RedisError, OSError) as error:
            logger.error(
                "--conversation_store at %s cannot be used (%s: %s); until it can, turns that continue another get 503",
                self._place,
                type(error).__name__,
                error,
            )
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            for name in tuple(self._held):
                try:
                    renewed = await self._leased(self._renew, name)
                except (RedisError, OSError) as error:
                    logger.warning("the lease of a turn could not be renewed: %s", type(error).__name__)
                else:
                    if not renewed and name in self._held:
                        logger.warning("a turn took longer than its lease was renewed")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _client(url: Secret) -> redis.Redis:
    """A client that connects when it is first used. Raises ``BadOption``, without the URL: it may hold a password."""
    way_out = f"use one that begins with {', '.join(SCHEMES)}, such as redis://127.0.0.1:6379/0."
    if not url.reveal().startswith(SCHEMES):
        raise BadOption(f"--conversation_store cannot be used: its scheme is not known; {way_out}")
    try:
        address = urlsplit(url.reveal())
        if address.scheme != "unix" and address.path.strip("/"):
            int(address.path.strip("/"))  # the client would take database 0 in silence
        client: redis.Redis = redis.Redis.from_url(
            url.reveal().replace("valkey", "redis", 1) if url.reveal().startswith("valkey") else url.reveal(),
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            max_connections=MOST_CONNECTIONS,
            # Once more where the server closed the connection meanwhile; silence is not waited for twice.
            retry=Retry(NoBackoff(), 1, supported_errors=(NotConnected,)),
        )
        # Looks at the options in the address; it connects later.
        client.connection_pool.make_connection()  # type: ignore[no-untyped-call, unused-ignore]
    except (ValueError, TypeError, RedisError):
        raise BadOption(f"--conversation_store cannot be used: it is no complete address; {way_out}") from None
    return client


def _place(client: redis.Redis) -> str:
    """Where the server is, for the log: without name and password."""
    where = client.connection_pool.connection_kwargs
    return str(where.get("path") or f"{where.get('host')}:{where.get('port')}/{where.get('db', 0)}")


@contextmanager
def _reached() -> Generator[None, None, None]:
    """Whatever the server or the way to it does wrong is ``Unavailable``; what it said is not passed on."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unavailable(
            f"The store of conversations does not answer as it should ({type(error).__name__}); try again shortly.",
            retry_after=RETRY_SECONDS,
        ) from None

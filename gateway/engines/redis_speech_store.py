"""Keeps synthesised speech in Valkey or Redis, for several gateways."""

import logging
from collections.abc import Awaitable
from typing import TypeVar, cast

from redis.exceptions import RedisError

from adapters.options import Secret
from gateway.redis_client import failure_reason, redis_client, server_place

logger = logging.getLogger(__name__)

T = TypeVar("T")

PREFIX = "speech-gateway:speech:"
"""Every key begins so: the server may be shared."""

ANSWER_SECONDS = 0.25
"""How long a command may take: past that, synthesis is the faster way."""

MOST_BYTES = 32_000_000
"""The longest utterance at the slowest speed and 48 kHz takes less."""


class RedisSpeechStore:
    """Sound under keys that expire after ``ttl_seconds``; a server that is away is said once in the log.

    Raises ``BadOption`` for an address that no server can have.
    """

    def __init__(self, url: Secret, *, ttl_seconds: float) -> None:
        self._client = redis_client(url, "speech_cache_store", answer_seconds=ANSWER_SECONDS, most_bytes=MOST_BYTES)
        self._ttl_ms = round(ttl_seconds * 1000)
        self._away = False

    async def get(self, key: str) -> bytes | None:
        """The sound under ``key``."""
        found = await self._asked(cast(Awaitable[bytes | None], self._client.get(PREFIX + key)))
        return found if isinstance(found, bytes) and len(found) % 2 == 0 and found else None

    async def put(self, key: str, pcm: bytes) -> None:
        """Keep ``pcm``."""
        if len(pcm) <= MOST_BYTES:
            await self._asked(cast(Awaitable[bool | None], self._client.set(PREFIX + key, pcm, px=self._ttl_ms)))

    async def _asked(self, command: Awaitable[T]) -> T | None:
        try:
            answer = await command
        except (RedisError, OSError, TimeoutError) as error:
            if not self._away:
                logger.warning(
                    "the cache of speech at %s is away (%s): everything is synthesised",
                    server_place(self._client),
                    failure_reason(error),
                )
            self._away = True
            return None
        self._away = False
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

"""Makes the history that the settings describe: in memory, or in Valkey or Redis."""

from gateway.conversation.history import History
from gateway.conversation.memory_store import MemoryStore
from gateway.conversation.store import Store
from gateway.settings.model import GatewaySettings

MEGABYTE = 1_000_000


def build_history(settings: GatewaySettings) -> History:
    """Construct the history, without I/O. Raises ``BadOption`` for an address that no store can have."""
    max_bytes = round(_largest_mb(settings) * MEGABYTE)
    return History(_store(settings, max_bytes), max_bytes)


def _largest_mb(settings: GatewaySettings) -> float:
    """Megabytes of one conversation; in memory at most a quarter of that of all, so that one cannot displace itself."""
    if settings.conversation_store is None:
        return min(settings.conversation_max_mb, settings.conversation_memory_mb / 4)
    return settings.conversation_max_mb


def _store(settings: GatewaySettings, max_bytes: int) -> Store:
    if settings.conversation_store is None:
        return MemoryStore(
            ttl_seconds=settings.conversation_ttl_seconds,
            max_bytes=round(settings.conversation_memory_mb * MEGABYTE),
            max_waiting=settings.max_queue,
        )
    from gateway.conversation.redis_store import RedisStore  # noqa: PLC0415 - its client is imported when it is used

    return RedisStore(
        settings.conversation_store,
        ttl_seconds=settings.conversation_ttl_seconds,
        max_waiting=settings.max_queue,
        max_bytes=max_bytes,
    )

"""Speech in a real redis-server: kept for its time; a server that is away or holds nonsense costs a synthesis only."""

import logging

import pytest
from redis import asyncio as redis

from adapters.options import BadOption, Secret
from gateway.engines.redis_speech_store import PREFIX, RedisSpeechStore
from tests.support.redis_server import redis_server


async def test_sound_is_kept_for_its_time() -> None:
    with redis_server() as (url, _):
        store, server = RedisSpeechStore(Secret(url), ttl_seconds=60), redis.Redis.from_url(url)
        assert await store.get("a") is None
        await store.put("a", b"\x01\x00" * 1000)
        assert await store.get("a") == b"\x01\x00" * 1000
        assert 50_000 < await server.pttl(f"{PREFIX}a") <= 60_000
        await store.aclose()
        await server.aclose()


@pytest.mark.parametrize("nonsense", [b"", b"odd"])
async def test_what_is_no_sound_counts_as_absent(nonsense: bytes) -> None:
    with redis_server() as (url, _):
        store, server = RedisSpeechStore(Secret(url), ttl_seconds=60), redis.Redis.from_url(url)
        await server.set(f"{PREFIX}a", nonsense)
        assert await store.get("a") is None
        await server.delete(f"{PREFIX}a")
        await server.rpush(f"{PREFIX}a", "a list")  # type: ignore[misc, unused-ignore]
        assert await store.get("a") is None
        await store.aclose()
        await server.aclose()


async def test_a_server_that_is_away_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with redis_server() as (url, process):
        store = RedisSpeechStore(Secret(url), ttl_seconds=60)
        await store.put("a", b"\x01\x00")
        process.kill()
        process.wait()
        with caplog.at_level(logging.WARNING):
            assert await store.get("a") is None
            await store.put("a", b"\x01\x00")
        assert len(caplog.records) == 1
        assert "the cache of speech at 127.0.0.1" in caplog.text
        await store.aclose()


def test_an_address_that_cannot_be_is_refused_without_repeating_it() -> None:
    with pytest.raises(BadOption, match="--speech_cache_store cannot be used") as caught:
        RedisSpeechStore(Secret("http://user:hunter2@host"), ttl_seconds=60)
    assert "hunter2" not in str(caught.value)

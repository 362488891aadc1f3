"""Every store does the same: one suite for memory and for a real Redis, and what each must do besides."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from redis import asyncio as redis

from adapters.contract.errors import Unavailable
from adapters.options import BadOption, Secret
from gateway.conversation import redis_store as redis_module
from gateway.conversation.memory_store import MemoryStore
from gateway.conversation.redis_store import PREFIX, RedisStore
from gateway.conversation.store import Occupied, Store
from tests.support.redis_server import redis_server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with redis_server() as (url, _):
        yield url


def memory(ttl: float = 60.0, max_waiting: int = 2, max_bytes: int = 1_000) -> MemoryStore:
    return MemoryStore(ttl_seconds=ttl, max_bytes=max_bytes, max_waiting=max_waiting)


def remote(url: str, ttl: float = 60.0, max_waiting: int = 2) -> RedisStore:
    return RedisStore(Secret(url), ttl_seconds=ttl, max_waiting=max_waiting, max_bytes=1_000_000)


@pytest_asyncio.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncGenerator[Store, None]:
    if request.param == "memory":
        yield memory()
        return
    url: str = request.getfixturevalue("server")
    async with aclosing(redis.Redis.from_url(url)) as client:
        await client.flushall()
    async with aclosing(remote(url)) as opened:
        yield opened


async def test_what_is_put_is_there_and_nothing_else(store: Store) -> None:
    assert await store.get("a") is None
    await store.put("a", b"\x00\xff")
    assert await store.get("a") == b"\x00\xff"
    assert await store.get("b") is None
    await store.put("a", b"new")
    assert await store.get("a") == b"new"


async def test_what_is_deleted_is_not_there(store: Store) -> None:
    await store.put("a", b"1")
    await store.put("b", b"2")
    await store.delete("a")
    await store.delete("never there")
    assert (await store.get("a"), await store.get("b")) == (None, b"2")
    assert await store.advance("a", None, b"3"), "as if it had never been there"


async def test_a_pointer_moves_only_from_where_it_is_thought_to_be(store: Store) -> None:
    assert await store.advance("p", None, b"one")
    assert not await store.advance("p", None, b"two")
    assert not await store.advance("p", b"two", b"three")
    assert await store.get("p") == b"one"
    assert await store.advance("p", b"one", b"two")
    assert await store.advance("p", b"one", b"two"), "what has arrived already has arrived"
    assert await store.get("p") == b"two"
    assert await store.advance("gone", b"past its time", b"one"), "where nothing is, nobody else went on"
    assert await store.get("gone") == b"one"


async def test_of_many_that_move_a_pointer_at_once_one_does(store: Store) -> None:
    moved = await asyncio.gather(*(store.advance("p", None, b"%d" % number) for number in range(20)))
    assert moved.count(True) == 1
    assert await store.get("p") == b"%d" % moved.index(True)


async def test_turns_under_one_name_come_one_after_the_other_in_their_order(store: Store) -> None:
    order: list[int] = []
    inside = 0

    async def take(number: int) -> None:
        nonlocal inside
        async with store.turn("c"):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0.01)
            order.append(number)
            inside -= 1

    await asyncio.gather(*(take(number) for number in range(3)))
    assert order == [0, 1, 2]


async def test_other_names_do_not_wait(store: Store) -> None:
    async with store.turn("a"), store.turn("b"):
        pass


async def test_who_comes_when_too_many_wait_is_refused_and_told_when_to_come_back(store: Store) -> None:
    async with store.turn("c"):
        waiting = [asyncio.create_task(_enter(store)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as refused:
            await _enter(store)
        assert refused.value.retry_after
    await asyncio.gather(*waiting)
    await _enter(store)


async def test_who_does_not_want_to_wait_is_told_that_somebody_is_there(store: Store) -> None:
    async with store.turn("c", wait=False), store.turn("d", wait=False):
        with pytest.raises(Occupied):
            async with store.turn("c", wait=False):
                pass
    await _enter(store)


async def test_who_stops_waiting_is_not_waited_for(store: Store) -> None:
    async with store.turn("c"):
        waiting = asyncio.create_task(_enter(store))
        await asyncio.sleep(0.02)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(5):
        await _enter(store)


async def test_a_turn_that_fails_gives_its_place_back(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.turn("c"):
            raise ZeroDivisionError
    async with asyncio.timeout(5):
        await _enter(store)


async def _enter(store: Store) -> None:
    async with store.turn("c"):
        pass


async def test_closing_twice_is_harmless(store: Store) -> None:
    await store.aclose()
    await store.aclose()


async def test_memory_forgets_what_is_past_its_time_though_it_was_just_used() -> None:
    now = 0.0
    store = MemoryStore(ttl_seconds=10, max_bytes=100, max_waiting=1, clock=lambda: now)
    await store.put("a", b"1")
    now = 9.0
    await store.put("b", b"2")
    assert await store.get("a") == b"1"
    now = 10.0
    assert await store.get("a") is None
    assert await store.get("b") == b"2"


async def test_memory_is_bounded_by_bytes_and_the_least_recently_used_goes() -> None:
    store = memory(max_bytes=10)
    await store.put("a", b"aaaa")
    await store.put("b", b"bbbb")
    await store.get("a")
    await store.put("c", b"cccc")
    assert [await store.get(key) for key in "abc"] == [b"aaaa", None, b"cccc"]
    await store.put("a", b"1")  # the bytes of what was there count no more
    await store.put("d", b"ddddd")
    assert [await store.get(key) for key in "acd"] == [b"1", b"cccc", b"ddddd"]
    await store.put("e", b"e" * 11)
    assert [await store.get(key) for key in "acde"] == [b"1", b"cccc", b"ddddd", None], "it drives nothing else out"


async def test_memory_is_bounded_by_entries() -> None:
    store = MemoryStore(ttl_seconds=10, max_bytes=100, max_waiting=1, max_entries=2)
    for key in "abc":
        await store.put(key, b"")
    assert [await store.get(key) for key in "abc"] == [None, b"", b""]


@asynccontextmanager
async def two_replicas(url: str) -> AsyncGenerator[tuple[RedisStore, RedisStore], None]:
    async with aclosing(remote(url)) as one, aclosing(remote(url)) as other:
        yield one, other


async def test_turns_of_two_replicas_come_one_after_the_other(server: str) -> None:
    async with two_replicas(server) as (one, other):
        async with AsyncExitStack() as held:
            await held.enter_async_context(one.turn("c"))
            waiting = asyncio.create_task(_enter(other))
            await asyncio.sleep(3 * redis_module.POLL_SECONDS)
            assert not waiting.done()
        async with asyncio.timeout(5):
            await waiting


async def test_a_turn_of_another_replica_is_not_waited_for_either(server: str) -> None:
    async with two_replicas(server) as (one, other), one.turn("c"):
        with pytest.raises(Occupied):
            async with other.turn("c", wait=False):
                pass


async def test_the_lease_of_a_gateway_that_died_runs_out_and_that_of_a_living_one_does_not(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_module, "LEASE_SECONDS", 0.3)
    async with two_replicas(server) as (one, other):
        async with one.turn("c"):
            attending = asyncio.create_task(one.attend())
            waiting = asyncio.create_task(_enter(other))
            await asyncio.sleep(1.0)
            assert not waiting.done(), "the lease of a turn that is under way is renewed"
            attending.cancel()  # as if the process had died
            async with asyncio.timeout(10):
                await waiting


async def test_a_lease_about_which_nothing_was_heard_does_not_keep_its_own_gateway_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis_module, "LEASE_SECONDS", 60)
    monkeypatch.setattr(redis_module, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(redis_module, "SILENT_SECONDS", 0.0)
    with redis_server() as (url, process):
        async with aclosing(remote(url)) as store, aclosing(redis.Redis.from_url(url)) as client:
            await _enter(store)
            process.send_signal(signal.SIGSTOP)  # it takes the lease when it goes on, and tells nobody
            with pytest.raises(Unavailable):
                await _enter(store)
            process.send_signal(signal.SIGCONT)
            async with asyncio.timeout(10):
                while not await client.keys(f"{PREFIX}turn:*"):
                    await asyncio.sleep(0.01)
                await _enter(store)
            assert not await client.keys(f"{PREFIX}turn:*")


async def test_keys_have_a_time_to_live_and_a_prefix_of_their_own(server: str) -> None:
    async with aclosing(remote(server, ttl=100)) as store, aclosing(redis.Redis.from_url(server)) as client:
        await client.flushall()
        await store.put("a", b"1")
        await store.advance("p", None, b"1")
        keys: list[Any] = await client.keys("*")
        assert len(keys) == 2
        for key in keys:
            assert key.startswith(PREFIX.encode())
            assert 90_000 < await client.pttl(key) <= 100_000


async def test_a_server_that_is_gone_is_a_clear_refusal() -> None:
    with redis_server() as (url, process):
        async with aclosing(remote(url)) as store:
            await store.put("a", b"1")
            process.kill()
            process.wait()
            for call in (store.get("a"), store.put("a", b"1"), store.advance("a", None, b"1"), _enter(store)):
                with pytest.raises(Unavailable) as refused:
                    await call
                assert refused.value.retry_after
                assert url not in refused.value.message


async def test_a_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_module, "ANSWER_SECONDS", 0.1)
    with redis_server() as (url, process):
        async with aclosing(remote(url)) as store:
            await store.put("a", b"1")
            process.send_signal(signal.SIGSTOP)
            try:
                with pytest.raises(Unavailable):
                    async with asyncio.timeout(10):
                        await store.get("a")
            finally:
                process.send_signal(signal.SIGCONT)


async def test_while_a_server_hangs_one_turn_waits_and_the_others_are_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis_module, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(redis_module, "LEASE_SECONDS", 0.3)
    with redis_server() as (url, process):
        async with aclosing(remote(url, max_waiting=100)) as store:
            await _enter(store)
            process.send_signal(signal.SIGSTOP)
            try:
                waiting = [asyncio.create_task(_enter(store)) for _ in range(50)]  # one after the other: 15 s
                async with asyncio.timeout(5):
                    refusals = await asyncio.gather(*waiting, return_exceptions=True)
                assert {type(refusal) for refusal in refusals} == {Unavailable}
                commands = 0
                reply = store._reply

                async def counted(*arguments: Any) -> Any:
                    nonlocal commands
                    commands += 1
                    return await reply(*arguments)

                monkeypatch.setattr(store, "_reply", counted)
                for _ in range(20):
                    with pytest.raises(Unavailable):
                        await store.get("a")
                assert commands == 0, "the server is not asked"
            finally:
                process.send_signal(signal.SIGCONT)
            attending = asyncio.create_task(store.attend())
            async with asyncio.timeout(10):
                while True:
                    try:
                        await _enter(store)
                        break
                    except Unavailable:
                        await asyncio.sleep(0.02)
            attending.cancel()


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://127.0.0.1",
        "redis://h:port-of-secret/0",
        "redis://h/0?secret=1",
        "redis://h/secret",
        "rediss://h?ssl_cert_reqs=secret",
        "",
    ],
)
def test_what_is_no_address_of_a_store_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(BadOption, match="--conversation_store") as refused:
        remote(url)
    assert "secret" not in str(refused.value)

"""A server of the store that floods, lies, drips or says nothing costs a refusal, and never memory or a task."""

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from redis import asyncio as redis

from adapters.contract.errors import Unavailable
from adapters.options import Secret
from gateway.conversation import redis_store
from gateway.conversation.redis_store import PREFIX, RedisStore
from tests.support.redis_server import redis_server

MOST = 100_000

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Fake:
    """A server on a socket that behaves as it is told; it counts what it could send."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.behaviour(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def hostile(behaviour: Behaviour, user: str = "") -> AsyncGenerator[tuple[RedisStore, Fake], None]:
    """A store behind a server that behaves so."""
    fake = Fake(behaviour)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    url = f"redis://{user}127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    async with server, aclosing(RedisStore(Secret(url), ttl_seconds=60, max_waiting=100, max_bytes=MOST)) as store:
        yield store, fake


def saying(reply: bytes) -> Behaviour:
    """Answers whatever it is sent with ``reply``."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(10_000):
            writer.write(reply)
            await writer.drain()

    return behave


SENT = [0]


def flooding(start: bytes, block: bytes) -> Behaviour:
    """Answers with ``start``, then ``block`` without end."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)
        writer.write(start)
        while True:
            writer.write(block)
            await writer.drain()
            SENT[0] += len(block)

    return behave


FLOODS = {
    "a value of gigabytes": flooding(b"$5000000000\r\n", bytes(65_536)),
    "a line without end": flooding(b"+", b"a" * 65_536),
    "a list without end": flooding(b"*1000000000\r\n", b":1\r\n" * 10_000),
    "lists in lists": flooding(b"", b"*1\r\n" * 10_000),
    "an error without end": flooding(b"-ERR ", b"a" * 65_536),
    "many values": flooding(b"*1000000000\r\n", b"$1000\r\n" + bytes(1000) + b"\r\n"),
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_is_left_after_what_a_value_may_take(flood: str) -> None:
    SENT[0] = 0
    async with hostile(FLOODS[flood]) as (store, _):
        async with asyncio.timeout(10):
            with pytest.raises(Unavailable):
                await store.get("a")
    assert SENT[0] < 20_000_000, "what the sockets' buffers hold, and not what it would send in three seconds"


ODD = {
    "nothing that is a number": b":one\r\n",
    "a length below nothing": b"$-7\r\n",
    "a length that is a word": b"$many\r\n",
    "no protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "bytes": b"\xff\xfe\x00\r\n",
    "another protocol": b"%1\r\n+a\r\n+b\r\n",
    "a list": b"*2\r\n:1\r\n:2\r\n",
    "a list of nothing": b"*-1\r\n",
    "a word": b"+QUEUED\r\n",
    "an error": b"-ERR no\r\n",
    "an error in another encoding": b"-ERR \xff\xfe\r\n",
    "that it moved": b"-MOVED 1 127.0.0.1:1\r\n",
    "that it is loading": b"-LOADING Redis is loading\r\n",
    "that the script is unknown": b"-NOSCRIPT no\r\n",
}


@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_reply_is_a_refusal_of_that_turn_and_ends_no_task(odd: str) -> None:
    async with hostile(saying(ODD[odd])) as (store, _):
        attending = asyncio.create_task(store.attend())
        async with asyncio.timeout(10):
            for use in (store.put("a", b"1"), entered(store)):
                with pytest.raises(Unavailable) as refused:
                    await use
                assert "\r" not in refused.value.message
                assert "Bad Request" not in refused.value.message
            await asyncio.gather(store.get("a"), store.advance("a", None, b"1"), return_exceptions=True)
        assert not attending.done()
        attending.cancel()


async def entered(store: RedisStore) -> None:
    async with store.turn("c"):
        raise AssertionError("nobody gave the lease")


async def test_a_server_that_closes_at_once_is_a_refusal() -> None:
    async def behave(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        return

    async with hostile(behave) as (store, fake):
        with pytest.raises(Unavailable):
            await store.get("a")
        assert 0 < fake.connections <= 2


async def test_a_server_that_drips_is_not_waited_for_longer_than_for_a_whole_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)
        writer.write(b"$10000\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    monkeypatch.setattr(redis_store, "ANSWER_SECONDS", 0.3)
    async with hostile(behave) as (store, _):
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable):
                await store.get("a")


@pytest.mark.parametrize(
    "reply",
    [
        b"-ERR unknown command `AUTH`, with args beginning with: `secret-name` `secret-word` \r\n",
        b"-WRONGPASS invalid username-password pair secret-word\r\n",
        b"-NOAUTH secret-word\r\n",
        b"+secret-word\r\n",
        b"-ERR max number of clients reached, secret-word\r\n",
    ],
)
async def test_what_a_server_says_of_the_password_is_not_repeated(
    reply: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with hostile(saying(reply), "secret-name:secret-word@") as (store, _):
        attending = asyncio.create_task(store.attend())
        with pytest.raises(Unavailable) as refused:
            await store.get("a")
        async with asyncio.timeout(10):
            while "cannot be used" not in caplog.text:
                await asyncio.sleep(0.01)
        attending.cancel()
    assert "secret" not in caplog.text + refused.value.message + repr(refused.value.__cause__)


async def test_a_wrong_password_is_named_as_such(caplog: pytest.LogCaptureFixture) -> None:
    with redis_server("--requirepass", "right") as (url, _):
        address = Secret(url.replace("redis://", "redis://:secret-word@"))
        async with aclosing(RedisStore(address, ttl_seconds=60, max_waiting=1, max_bytes=MOST)) as store:
            attending = asyncio.create_task(store.attend())
            async with asyncio.timeout(10):
                while "the server refused the user name or the password" not in caplog.text:
                    await asyncio.sleep(0.01)
            attending.cancel()
    assert "secret" not in caplog.text


async def test_a_server_that_is_not_there_is_named_with_the_systems_reason(caplog: pytest.LogCaptureFixture) -> None:
    address = Secret("redis://127.0.0.1:1/3")
    async with aclosing(RedisStore(address, ttl_seconds=60, max_waiting=1, max_bytes=MOST)) as store:
        attending = asyncio.create_task(store.attend())
        async with asyncio.timeout(10):
            while "--conversation_store at 127.0.0.1:1/3 cannot be used (Connection refused)" not in caplog.text:
                await asyncio.sleep(0.01)
        attending.cancel()


async def test_leases_are_renewed_after_a_first_reply_that_was_odd(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task that renews them lives on, and the lease of a long turn holds."""
    monkeypatch.setattr(redis_store, "LEASE_SECONDS", 0.6)
    with redis_server() as (url, _):
        port = int(url.rpartition(":")[2].partition("/")[0])
        first = [True]

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if first:
                first.clear()
                await saying(b":one\r\n")(reader, writer)
                return
            there, back = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pumped(reader, back), pumped(there, writer))

        async with hostile(behave) as (store, _):
            attending = asyncio.create_task(store.attend())
            await asyncio.sleep(0.05)
            async with store.turn("c"), aclosing(redis.Redis.from_url(url)) as client:
                await asyncio.sleep(1.5)
                assert await client.exists(f"{PREFIX}turn:c")
            assert not attending.done()
            attending.cancel()


async def pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def test_values_that_no_gateway_wrote_are_absent_and_can_be_replaced(caplog: pytest.LogCaptureFixture) -> None:
    with redis_server() as (url, _):
        address = Secret(url)
        async with (
            aclosing(RedisStore(address, ttl_seconds=60, max_waiting=1, max_bytes=MOST)) as store,
            aclosing(redis.Redis.from_url(url)) as client,
        ):
            foreign: list[Any] = [
                client.rpush(f"{PREFIX}k", "a"),
                client.hset(f"{PREFIX}k", "a", "b"),
                client.sadd(f"{PREFIX}k", "a"),
                client.set(f"{PREFIX}k", bytes(MOST + 1)),
            ]
            for write in foreign:
                await client.delete(f"{PREFIX}k")
                await write
                caplog.clear()
                assert await store.get("k") is None
                assert len(caplog.records) == 1
                if await client.type(f"{PREFIX}k") != b"string":
                    assert await store.advance("k", None, b"1")
                await store.put("k", b"ours")
                assert await store.get("k") == b"ours"
            await client.rpush(f"{PREFIX}turn:c", "a")
            async with asyncio.timeout(10), store.turn("c"):
                assert await client.type(f"{PREFIX}turn:c") == b"string"


async def test_what_the_address_says_of_the_protocol_is_not_heeded() -> None:
    with redis_server() as (url, _):
        for options in ("?protocol=3", "?decode_responses=true", "?parser_class=x", "?max_connections=7"):
            async with aclosing(
                RedisStore(Secret(url + options), ttl_seconds=60, max_waiting=1, max_bytes=MOST)
            ) as store:
                await store.put("a", b"\xff")
                assert await store.get("a") == b"\xff"


async def test_a_command_that_was_given_up_does_not_answer_the_next_one() -> None:
    with redis_server() as (url, process):
        async with aclosing(RedisStore(Secret(url), ttl_seconds=60, max_waiting=1, max_bytes=MOST)) as store:
            await store.put("a", b"a")
            await store.put("b", b"b")
            process.send_signal(signal.SIGSTOP)
            asking = asyncio.create_task(store.get("a"))
            await asyncio.sleep(0.05)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            process.send_signal(signal.SIGCONT)
            assert [await store.get(key) for key in "bab"] == [b"b", b"a", b"b"]

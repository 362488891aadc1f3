"""The Redis or Valkey behind a gateway is not there, goes away, is slow, or holds what no gateway wrote."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from redis import asyncio as redis

from tests.support.http_client import ROUTE, form
from tests.support.redis_server import free_port, redis_server
from tests.support.server import gateway_of, scripted_engines, served

pytestmark = pytest.mark.timeout(90)


@asynccontextmanager
async def gateway(url: str, *flags: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of a gateway whose conversations and limits are in the store at ``url``."""
    flags = (f"--conversation_store={url}", f"--usage_store={url}", *flags)
    async with (
        served(gateway_of(scripted_engines(), *flags)) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        yield client


async def asked(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await client.post(ROUTE, **form(fields=fields))


async def works_without_it(client: httpx.AsyncClient) -> None:
    """New turns are answered; a conversation that cannot be read is refused, not begun again, and may be retried."""
    assert (await asked(client)).status_code == 200
    refused = await asked(client, conversation="c")
    assert refused.status_code == 503, refused.text
    assert refused.json()["error"]["message"].startswith("The store of conversations does not answer as it should (")
    assert (await client.get("/v1/usage")).status_code == 200
    assert (await client.get("/ready")).status_code == 200


async def works_again(client: httpx.AsyncClient, turns: int) -> None:
    """Conversations are continued, and all ``turns`` are counted, those in the absence of the store included."""
    async with asyncio.timeout(30):
        while (answer := await asked(client, conversation="c")).status_code != 200:
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.2)
        while await used_turns(client) < turns:
            await asyncio.sleep(0.2)


async def used_turns(client: httpx.AsyncClient) -> int:
    return sum(each["turns"] for each in (await client.get("/v1/usage")).json()["data"])


async def test_a_store_that_is_not_there_at_the_start() -> None:
    port = free_port()
    async with gateway(f"redis://127.0.0.1:{port}/0") as client:
        await works_without_it(client)
        with redis_server(port=port):
            await works_again(client, turns=2)


async def test_a_store_that_goes_away_in_the_middle() -> None:
    with redis_server() as (url, process):
        async with gateway(url) as client:
            assert (await asked(client, conversation="c")).status_code == 200
            process.kill()
            process.wait()
            await works_without_it(client)
            with redis_server(port=int(url.rpartition(":")[2].partition("/")[0])):
                await works_again(client, turns=2)


async def test_a_store_that_is_slow() -> None:
    with redis_server() as (url, process):
        async with gateway(url) as client:
            assert (await asked(client, conversation="c")).status_code == 200
            process.send_signal(signal.SIGSTOP)
            await works_without_it(client)
            process.send_signal(signal.SIGCONT)
            await works_again(client, turns=3)


async def test_limits_hold_while_the_store_is_away() -> None:
    async with gateway(f"redis://127.0.0.1:{free_port()}/0", "--limits", '{"requests_per_day": 2}') as client:
        assert [(await asked(client)).status_code for _ in range(3)] == [200, 200, 429]


FOREIGN: dict[str, tuple[Any, ...]] = {
    "text": ("SET", b"not what a gateway writes"),
    "nothing": ("SET", b""),
    "bytes": ("SET", b"\xff\xfe\x00" * 100),
    "JSON": ("SET", b'{"turns": [{"messages": null, "id": 7}], "version": NaN}'),
    "a number past all": ("SET", b"9" * 400),
    "a list": ("RPUSH", b"a", b"b"),
    "a hash": ("HSET", b"field", b"not a number"),
    "a set": ("SADD", b"a"),
}


@pytest.mark.parametrize("foreign", FOREIGN)
async def test_what_no_gateway_wrote(foreign: str) -> None:
    command, *values = FOREIGN[foreign]
    with redis_server() as (url, _):
        async with gateway(url) as client, redis.Redis.from_url(url) as client_of_store:
            database: Any = client_of_store
            first = await asked(client, conversation="c")
            assert first.status_code == 200
            await client.get("/v1/usage")  # counts are written by then
            keys = await database.keys()
            assert len(keys) > 2
            for key in keys:
                await database.delete(key)
                await database.execute_command(command, key, *values)
            assert (await asked(client, conversation="c")).status_code == 200, "it counts as absent"
            lost = await asked(client, previous_response_id=first.headers["x-response-id"])
            assert (lost.status_code, lost.json()["error"]["code"]) == (400, "previous_response_not_found")
            assert (await client.get("/v1/usage")).status_code == 200
            assert (await asked(client)).status_code == 200
            assert (await asked(client, conversation="another")).status_code == 200

"""What keys, limits and guards refuse, over sockets: each has its own sentence, which says what the matter is."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.contract import guard
from adapters.contract.errors import Unavailable
from gateway.access.caller import Caller
from gateway.access.keys import Key, Keyring, digest_in, hash_of
from gateway.access.limits import Limits
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import ServedRoute
from gateway.settings.load import load
from tests.support.scripted_guard import ScriptedGuard, guards_of
from tests.support.server import scripted_engines, served

PAST = datetime(2020, 1, 1, tzinfo=UTC)
PLAIN = {name: f"sk-the-key-that-is-{name}" for name in ("good", "disabled", "expired", "elsewhere", "nought", "wrong")}
CHAT = ("POST", "/v1/chat/completions", {"model": "echo", "messages": [{"role": "user", "content": "hi"}]})


def key(name: str, *, disabled: bool = False, expires: datetime | None = None, **caller: Any) -> Key:
    digest = digest_in(hash_of(PLAIN[name]))
    assert digest is not None
    return Key(digests=(digest,), caller=Caller(name=name, **caller), disabled=disabled, expires=expires)


KEYS = (
    key("good"),
    key("disabled", disabled=True),
    key("expired", expires=PAST),
    key("elsewhere", routes=("another",)),
    key("nought", limits=Limits(requests_per_minute=0)),
)


@asynccontextmanager
async def gateway(judge: Any = None) -> AsyncGenerator[httpx.AsyncClient, None]:
    loaded = load([], {})
    guards = guards_of(ScriptedGuard(judge=judge), on=("transcript",))
    route = ServedRoute(route=loaded.routes[0], engines=scripted_engines(), guards=guards)
    async with (
        served(Gateway(loaded.settings, [route]), keyring=Keyring(KEYS)) as address,
        httpx.AsyncClient(base_url=address, timeout=20) as client,
    ):
        yield client


async def asked(client: httpx.AsyncClient, name: str | None, method: str, path: str, body: Any = None) -> Any:
    headers = {} if name is None else {"authorization": f"Bearer {PLAIN[name]}"}
    return await client.request(method, path, headers=headers, json=body)

async def test_x() -> None:
    async def down(_request: guard.Request) -> bool:
        raise Unavailable("The guard cannot be reached.")
    async with gateway(down) as client:
        for name, request in [(None, CHAT), ("wrong", CHAT), ("disabled", CHAT), ("expired", CHAT), ("elsewhere", CHAT), ("nought", CHAT), ("good", ("GET", "/metrics")), (None, ("GET","/metrics")), ("good", CHAT)]:
            a = await asked(client, name, *request)
            print(name, request[1], a.status_code, a.json()["error"])

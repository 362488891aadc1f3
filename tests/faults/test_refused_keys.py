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


METRICS = ("GET", "/metrics", None)
NO_KEY = "You didn't provide an API key. You need to provide your API key in an Authorization header"
REFUSED: dict[str, tuple[str | None, tuple[str, str, Any], int, str]] = {
    "no key": (None, CHAT, 401, NO_KEY),
    "a wrong key": ("wrong", CHAT, 401, "Incorrect API key provided: sk-***rong. Ask the operator"),
    "a disabled key": ("disabled", CHAT, 401, "The API key sk-***bled is disabled. Ask the operator"),
    "an expired key": ("expired", CHAT, 401, "The API key sk-***ired expired at 2020-01-01T00:00:00+00:00. Ask"),
    "a key of another route": ("elsewhere", CHAT, 404, "You do not have access to any model of this gateway."),
    "a limit of nought": (
        "nought",
        CHAT,
        429,
        "The limit of requests per minute of this API key is 0: none are allowed.",
    ),
    "metrics without a key": (None, METRICS, 401, NO_KEY),
    "metrics with a client's key": ("good", METRICS, 403, "The key 'good' is not the operator's (admin = true)"),
    "a guard that is down": ("good", CHAT, 503, "The guard 'test' cannot be asked, and nothing may be answered"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_each_refusal_says_what_the_matter_is(case: str) -> None:
    name, (method, path, body), status, says = REFUSED[case]

    async def down(_request: guard.Request) -> bool:
        raise Unavailable("It cannot be reached.")

    async with gateway(down) as client:
        answer = await asked(client, name, method, path, body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(says)


def test_no_two_mistakes_have_the_same_sentence() -> None:
    assert len({says for _, _, _, says in REFUSED.values()}) == len(REFUSED) - 1, "no key is no key"

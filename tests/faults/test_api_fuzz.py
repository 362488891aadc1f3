"""Requests made from our own description of the API, lawful ones and others, are never answered with 500.

``FUZZ_EXAMPLES`` says how many there are for each operation and way (6 when unset). They are the same in every run.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from gateway.access.caller import Caller
from gateway.access.keys import Key, Keyring, digest_in, hash_of
from gateway.app import create_app
from gateway.cli.generate import API
from tests.support.server import gateway_of, scripted_engines, serving, until

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))
PLAIN = "sk-key-of-the-operator-in-person"

pytestmark = pytest.mark.timeout(120 + EXAMPLES * 10)

DESCRIBED = schemathesis.openapi.from_path(API)
OPERATIONS = [f"{each.ok().method.upper()} {each.ok().path}" for each in DESCRIBED.get_all_operations()]


def keyring() -> Keyring:
    digest = digest_in(hash_of(PLAIN))
    assert digest is not None
    return Keyring([Key(digests=(digest,), caller=Caller(name="operator", admin=True))])


@contextmanager
def gateway(keys: Keyring | None) -> Iterator[str]:
    """The address of a gateway that is served in a thread, for tests that are no coroutines."""
    loop, over, address = asyncio.new_event_loop(), asyncio.Event(), []
    ready = threading.Event()

    async def serve() -> None:
        served = gateway_of(scripted_engines())
        async with serving(create_app(served, keyring=keys), served.settings) as (where, _):
            await until(lambda: served.state == "ready")
            address.append(where)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield address[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def addresses() -> Iterator[list[tuple[str, dict[str, str]]]]:
    """Where each request is sent, with which headers: without keys, with one, and without the one that is wanted."""
    with gateway(None) as anybody, gateway(keyring()) as keyed:
        yield [(anybody, {}), (keyed, {"authorization": f"Bearer {PLAIN}"}), (keyed, {})]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["lawful", "unlawful"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_request_is_answered_with_500(
    operation: str, mode: GenerationMode, addresses: list[tuple[str, dict[str, str]]]
) -> None:
    method, path = operation.split(" ")

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=DESCRIBED[path][method].as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        for address, headers in addresses:
            answer = case.call(base_url=address, headers=headers, timeout=30)
            assert answer.status_code < 500, answer.text
            if answer.status_code >= 400:
                assert answer.json()["error"]["message"]

    with suppress(Unsatisfiable):  # nothing about it could be unlawful
        send()

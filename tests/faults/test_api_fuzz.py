"""Requests made from our own description of the API, lawful ones and others, are never answered with 500.

``FUZZ_EXAMPLES`` says how many there are for each operation and way (6 when unset). They are the same in every run.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from gateway.access.caller import Caller
from gateway.access.keys import Key, Keyring, digest_in, hash_of
from gateway.cli.generate import API
from tests.support.threaded_gateway import threaded_gateway

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "6"))
PLAIN = "sk-key-of-the-operator-in-person"

pytestmark = pytest.mark.timeout(120 + EXAMPLES * 10)

DESCRIBED = schemathesis.openapi.from_path(API)
OPERATIONS = [
    f"{method.upper()} {path}" for path, methods in json.loads(API.read_bytes())["paths"].items() for method in methods
]


def keyring() -> Keyring:
    digest = digest_in(hash_of(PLAIN))
    assert digest is not None
    return Keyring([Key(digests=(digest,), caller=Caller(name="operator", admin=True))])


@pytest.fixture(scope="module")
def addresses() -> Iterator[list[tuple[str, dict[str, str]]]]:
    """Where each request is sent, with which headers: without keys, with one, and without the one that is wanted."""
    with threaded_gateway() as anybody, threaded_gateway(keyring()) as keyed:
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

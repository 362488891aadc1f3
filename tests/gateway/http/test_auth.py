"""A request belongs to somebody: at a gateway without keys to anyone."""

from typing import Any

from gateway.access.caller import ANYONE
from gateway.http.auth import caller_of


def test_without_keys_a_request_is_anyones() -> None:
    scope: Any = {"type": "http"}
    assert caller_of(scope) is ANYONE

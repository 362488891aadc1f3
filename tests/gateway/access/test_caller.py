"""Callers."""

from gateway.access.caller import ANYONE, Caller


def test_without_keys_anyone_may_do_all_and_has_no_limits() -> None:
    assert Caller(name=ANYONE.name, admin=True) == ANYONE
    assert ANYONE.routes is None
    assert ANYONE.surfaces is None

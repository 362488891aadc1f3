"""Client secrets: found until they expire, bounded in number and size, and kept as hashes only."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.contract.errors import Overloaded
from gateway.access import client_secrets
from gateway.access.client_secrets import ClientSecrets
from gateway.siblings import Siblings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=60)


async def test_a_secret_is_found_until_it_expires() -> None:
    secrets = ClientSecrets()
    value, made = secrets.make("phone", {"type": "realtime"}, 60, NOW)
    other, _ = secrets.make("phone", {}, 60, NOW)
    assert value != other
    assert await secrets.find(value, NOW) == made
    assert await secrets.find(value, LATER) is None
    assert await secrets.find(f"{value}x", NOW) is None
    assert await secrets.find(None, NOW) is None
    assert value not in repr(vars(secrets))


def test_a_key_has_so_many_and_expired_ones_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_secrets, "MOST_PER_CALLER", 2)
    secrets = ClientSecrets()
    for _ in range(2):
        secrets.make("phone", {}, 60, NOW)
    with pytest.raises(Overloaded, match="shorter time"):
        secrets.make("phone", {}, 60, NOW)
    secrets.make("tablet", {}, 60, NOW)
    secrets.make("phone", {}, 60, LATER)


def test_all_together_are_so_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_secrets, "MOST_BYTES", 100)
    secrets = ClientSecrets()
    secrets.make("phone", {"instructions": "x" * 50}, 60, NOW)
    with pytest.raises(Overloaded):
        secrets.make("tablet", {"instructions": "x" * 50}, 60, NOW)


async def test_a_secret_of_another_worker_is_found_too(tmp_path: Path) -> None:
    one, other = (Siblings(tmp_path, number, 2) for number in range(2))
    maker = ClientSecrets(one)
    value, made = maker.make("phone", {"type": "realtime"}, 60, NOW)
    async with one.answering({"client_secret": maker.told}):
        assert await ClientSecrets(other).find(value, NOW) == made
        assert await ClientSecrets(other).find(value, LATER) is None
        assert await ClientSecrets(other).find(f"{value}x", NOW) is None
    assert await ClientSecrets(other).find(value, NOW) is None

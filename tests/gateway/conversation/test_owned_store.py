"""What one caller keeps, another does not find; what earlier releases kept is found without keys."""

from gateway.conversation.memory_store import MemoryStore
from gateway.conversation.owned_store import OwnedStore


async def test_everybody_finds_their_own() -> None:
    whole = MemoryStore(ttl_seconds=100, max_bytes=1_000, max_waiting=0)
    await whole.put("response:r1", b"of an earlier release")
    anyone, phone, desk = (OwnedStore(whole, name) for name in ("anyone", "phone", "desk"))
    await phone.put("response:r2", b"mine")
    assert await phone.advance("newest:c", None, b"r2")
    assert not await phone.advance("newest:c", None, b"r3")
    found = [[await store.get(key) for key in ("response:r1", "response:r2")] for store in (anyone, phone, desk)]
    assert found == [[b"of an earlier release", None], [None, b"mine"], [None, None]]
    await desk.delete("response:r2")
    assert await phone.get("response:r2") == b"mine"


async def test_nobody_waits_for_the_turn_of_another_caller() -> None:
    whole = MemoryStore(ttl_seconds=100, max_bytes=1_000, max_waiting=0)
    async with OwnedStore(whole, "phone").turn("c"), OwnedStore(whole, "desk").turn("c"):
        pass

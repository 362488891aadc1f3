"""Offers that were damaged on their way are answered or refused, and leave nothing behind."""

import asyncio
import random
import threading
from pathlib import Path

import aioice.ice
import pytest

from adapters.contract.errors import InvalidRequest
from gateway.webrtc.call import Call
from gateway.webrtc.ice import Network
from tests.support.call_client import CallClient

LOOPBACK = Network(addresses=("127.0.0.1",))


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client uses loopback alone, which the library leaves out."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


def damaged(lines: list[str], chance: random.Random) -> str:
    """An offer with a few lines lost, repeated, moved or garbled."""
    lines = list(lines)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(lines))
        line = lines[place]
        match chance.randrange(4):
            case 0:
                del lines[place]
            case 1:
                lines.insert(chance.randrange(len(lines)), line)
            case 2:
                lines.append(line)
            case _:
                cut = chance.randrange(len(line) + 1)
                garbage = chance.choice(["", "9999999999", "\0", "é", " ", "-1"])
                lines[place] = line[:cut] + garbage + line[cut + chance.randint(0, 3) :]
    return "\r\n".join(lines)


def left() -> tuple[int, int, int]:
    """Open files, tasks and threads of this process."""
    return len(list(Path("/proc/self/fd").iterdir())), len(asyncio.all_tasks()), threading.active_count()


@pytest.mark.parametrize("seed", range(4))
async def test_damaged_offers(seed: int) -> None:
    offer, chance = (await CallClient.made_offer()).split("\r\n"), random.Random(seed)
    outcomes: set[str | None] = set()
    await asyncio.sleep(0.1)  # for the sockets of the client
    before = left()
    for _ in range(40):
        call = Call("rtc_1", LOOPBACK)
        try:
            async with asyncio.timeout(10):
                await call.answer(damaged(offer, chance))
            outcomes.add("answered")
        except InvalidRequest as error:
            outcomes.add(error.code)
        finally:
            await call.release()
    await asyncio.sleep(0.1)
    assert outcomes == {"answered", "invalid_offer"}
    assert left() == before


async def test_media_that_are_not_bundled_are_refused() -> None:
    offer = await CallClient.made_offer()
    for changed in (
        "\r\n".join(line for line in offer.split("\r\n") if not line.startswith("a=group:BUNDLE")),
        offer.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 7 0 1"),
    ):
        call = Call("rtc_1", LOOPBACK)
        with pytest.raises(InvalidRequest, match="BUNDLE"):
            await call.answer(changed)
        await call.release()

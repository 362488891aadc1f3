"""/v1/realtime/calls over real sockets, with aiortc as the client and scripted engines."""

import asyncio

import aioice.ice
import numpy as np
import pytest

from tests.support.call_client import calling
from tests.support.realtime_client import is_subsequence, spoken_question
from tests.support.server import gateway_of, scripted_engines, served

SPOKEN_TURN = [
    "session.created",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "response.created",
    "output_audio_buffer.started",
    "output_audio_buffer.stopped",
]


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides use loopback alone, which the library leaves out."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


async def test_a_spoken_turn() -> None:
    async with served(gateway_of(scripted_engines())) as address, calling(address) as client:
        client.voice.say(spoken_question())
        await client.until("output_audio_buffer.stopped")
        await asyncio.sleep(0.3)
        assert is_subsequence(SPOKEN_TURN, client.types())
        assert "response.output_audio.delta" not in client.types()
        assert np.abs(client.audio()).max() > 1000

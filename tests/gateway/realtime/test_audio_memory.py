"""Room that all sessions share."""

import pytest

from adapters.contract.errors import TooLong
from gateway.realtime.audio_memory import AudioMemory


def test_room_is_taken_until_it_is_gone_and_can_be_given_back() -> None:
    memory = AudioMemory(64)
    memory.take(64 * 1024 * 1024)
    with pytest.raises(TooLong, match="64 megabytes"):
        memory.take(1)
    memory.take(-1)
    memory.take(1)
    assert memory.free == 0

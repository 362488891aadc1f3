"""The audio of one utterance, gathered up to a limit."""

from collections.abc import AsyncIterator

import pytest

from adapters.contract.errors import TooLong
from adapters.stt import whole_audio


async def blocks(*sizes: int) -> AsyncIterator[bytes]:
    for number, size in enumerate(sizes):
        yield bytes([number]) * size


async def gathered(*sizes: int) -> bytes:
    return await whole_audio.gather(blocks(*sizes), sample_rate=10, max_seconds=1, adapter="test")


async def test_the_blocks_are_joined() -> None:
    assert await gathered(3, 0, 17) == bytes(3) + b"\2" * 17
    assert await gathered() == b""


async def test_audio_past_the_limit_is_refused() -> None:
    with pytest.raises(TooLong, match="longer than the 1 s") as raised:
        await gathered(10, 11)
    assert (raised.value.param, raised.value.code, raised.value.adapter) == ("audio", "audio_too_long", "test")

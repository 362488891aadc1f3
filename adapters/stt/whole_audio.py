"""Gathers the audio of one utterance, for recognisers that need it as a whole."""

from collections.abc import AsyncIterator

from adapters.contract import audio
from adapters.contract.errors import TooLong


async def gather(blocks: AsyncIterator[bytes], *, sample_rate: int, max_seconds: int, adapter: str) -> bytes:
    """All of ``blocks`` (s16le mono at ``sample_rate`` Hz). Raises ``TooLong`` past ``max_seconds``."""
    pcm = bytearray()
    async for block in blocks:
        pcm += block
        check_length(audio.seconds(pcm, sample_rate), max_seconds=max_seconds, adapter=adapter)
    return bytes(pcm)


def check_length(seconds: float, *, max_seconds: int, adapter: str) -> None:
    """Raise ``TooLong`` past ``max_seconds``."""
    if seconds > max_seconds:
        raise TooLong(
            f"The audio is longer than the {max_seconds} s that the recogniser takes; send it in parts.",
            adapter=adapter,
            param="audio",
            code="audio_too_long",
        )

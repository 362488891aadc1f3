"""Gathers the audio of one utterance for recognisers that hear it as a whole."""

from collections.abc import AsyncIterator

from adapters.contract import audio
from adapters.contract.errors import TooLong


async def whole(blocks: AsyncIterator[bytes], *, sample_rate: int, most_seconds: int, adapter: str) -> bytes:
    """All of ``blocks`` (s16le mono at ``sample_rate`` Hz). Raises ``TooLong`` past ``most_seconds``."""
    pcm = bytearray()
    async for block in blocks:
        pcm += block
        if audio.seconds(pcm, sample_rate) > most_seconds:
            raise TooLong(
                f"The audio is longer than the {most_seconds} s that the recogniser takes; send it in parts.",
                adapter=adapter,
                param="audio",
                code="audio_too_long",
            )
    return bytes(pcm)

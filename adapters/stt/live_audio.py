"""Gathers the audio of a recording that is still being spoken, and says when to recognise what came so far."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from adapters.contract import audio

STEP_SECONDS = 1.0
"""New audio between two hypotheses, at least."""

_WAITED = 0.5
"""A block that took so much of its own length to arrive is live: what was sent as a file arrives at once."""


async def moments(blocks: AsyncIterator[bytes], *, sample_rate: int) -> AsyncGenerator[tuple[bytes, bool], None]:
    """Each block (s16le mono at ``sample_rate`` Hz), and whether it is time for a hypothesis.

    It is when enough is new and nothing more has arrived yet: a recogniser that is slower than speech falls behind,
    and then takes the audio that came in the meantime as a whole. And it is at an empty block, the speaker's pause, if
    anything is new.
    """
    now = asyncio.get_running_loop().time
    fresh = 0  # bytes since the last hypothesis
    asked = now()
    async for block in blocks:
        fresh += len(block)
        is_live = now() - asked >= audio.seconds(block, sample_rate) * _WAITED
        least = STEP_SECONDS * sample_rate * audio.SAMPLE_BYTES
        is_due = is_live and fresh >= least if block else fresh > 0
        fresh = 0 if is_due else fresh
        yield block, is_due
        asked = now()

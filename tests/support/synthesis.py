"""Listens to synthesisers: their samples, clicks in them, and how much of a text a recogniser understands."""

import re
from collections.abc import Sequence
from contextlib import aclosing

import numpy as np
import numpy.typing as npt

from adapters.contract import tts

QUIET = 150
"""The mean level of what nobody takes for speech."""

Samples = npt.NDArray[np.int16]


async def events(engine: tts.Synthesiser, request: tts.Request) -> list[tts.Event]:
    async with aclosing(engine.stream(request)) as stream:
        return [event async for event in stream]


async def speak(engine: tts.Synthesiser, text: str, **request: object) -> Samples:
    spoken = await events(engine, tts.Request(text=text, **request))  # type: ignore[arg-type]
    return np.frombuffer(b"".join(event.pcm for event in spoken if isinstance(event, tts.AudioChunk)), "<i2")


def edges_of_phrases(chunks: Sequence[tts.AudioChunk]) -> list[int]:
    """The first and the last sample of each phrase: what is not 0 is heard as a click, however loud the speech is.

    A chunk shorter than the longest ends a phrase; an end in a chunk that is just as long is not seen.
    """
    full = max(len(chunk.pcm) for chunk in chunks)
    ends = [index for index, chunk in enumerate(chunks) if len(chunk.pcm) < full]
    starts = [0, *(index + 1 for index in ends[:-1])]
    first = [int(np.frombuffer(chunks[index].pcm, "<i2")[0]) for index in starts]
    return first + [int(np.frombuffer(chunks[index].pcm, "<i2")[-1]) for index in ends]


def largest_step_in_silence(samples: Samples, sample_rate: int) -> int:
    """The largest jump from one sample to the next where the 10 ms around are quiet: that is heard as a click."""
    level = np.abs(samples.astype(np.int32))
    width = round(0.01 * sample_rate)
    around = np.convolve(level, np.ones(width) / width, "same")
    steps = np.abs(np.diff(samples.astype(np.int32)))
    return int(steps[around[1:] < QUIET].max(initial=0))


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z0-9 ]", "", text.lower().replace("-", " ")).split()


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest words to insert, leave out or replace."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        above, row = row, [i]
        for j, other in enumerate(heard, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (word != other)))
    return row[-1]

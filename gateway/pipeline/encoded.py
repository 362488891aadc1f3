"""The events of a turn, each with the encoded audio that is ready by then."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, closing, contextmanager
from typing import TypeVar

from adapters.contract import audio, tts
from gateway.audio.encode import FORMATS, Encoder
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.read_aloud import ReadingFinished

T = TypeVar("T")

OPENED_SECONDS = 0.002
"""When the codec is opened: the first sound has been asked for by then, and is rarely there yet."""

FIRST_SECONDS = 0.02
"""A codec is fed pieces of this length until it gives the first bytes: those need not wait for the rest."""

SILENCE_SECONDS = 0.1
"""How long the audio of an answer is that holds nothing to say: players refuse an empty file."""


async def encoded(
    events: AsyncGenerator[T, None], response_format: str, sample_rate: int, *, audio_only: bool
) -> AsyncGenerator[tuple[T, bytes], None]:
    """Each event with the bytes of ``response_format`` that are ready by then, often none.

    The first audio comes several times, each with the bytes of a part of it.
    ``sample_rate`` (Hz) is the synthesiser's. All bytes joined are one file. An answer with nothing to say is a short
    silence, but one that only calls tools has no audio, unless the listener gets the ``audio_only``.
    """
    spoken = False
    size = round(FIRST_SECONDS * sample_rate) * audio.SAMPLE_BYTES if FORMATS[response_format].codec else sys.maxsize
    with _opening(Encoder(response_format, sample_rate=sample_rate)) as encoder:
        async with aclosing(events):
            async for event in events:
                match event:
                    case tts.AudioChunk(pcm=pcm):
                        spoken = True
                        while pcm:
                            data, pcm = encoder.feed(pcm[:size]), pcm[size:]
                            size = sys.maxsize if data else size
                            yield event, data
                        await asyncio.sleep(0)  # speech that is all there would be encoded in one go otherwise
                    case AnswerFinished() | ReadingFinished() if spoken:
                        yield event, encoder.finish()
                    case AnswerFinished(reason="tool_calls") if not audio_only:
                        yield event, b""
                    case AnswerFinished() | ReadingFinished():
                        silence = bytes(round(SILENCE_SECONDS * sample_rate) * audio.SAMPLE_BYTES)
                        yield event, encoder.feed(silence) + encoder.finish()
                    case _:
                        yield event, b""


@contextmanager
def _opening(encoder: Encoder) -> Iterator[Encoder]:
    """``encoder``, opened while others wait for the first sound, and closed at the end."""
    with closing(encoder):
        timer = asyncio.get_running_loop().call_later(OPENED_SECONDS, encoder.open)
        try:
            yield encoder
        finally:
            timer.cancel()

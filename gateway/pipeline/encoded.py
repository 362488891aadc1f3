"""The events of a turn, each with the encoded audio that is ready by then."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from typing import TypeVar

from adapters.contract import tts
from gateway.audio.encode import Encoder
from gateway.pipeline.answer import AnswerFinished

T = TypeVar("T")


async def encoded(
    events: AsyncGenerator[T, None], response_format: str, sample_rate: int
) -> AsyncGenerator[tuple[T, bytes], None]:
    """Each event with the bytes of ``response_format`` that are ready by then, often none.

    ``sample_rate`` (Hz) is the synthesiser's. All bytes joined are one file; an answer without any audio gives none.
    """
    spoken = False
    with closing(Encoder(response_format, sample_rate=sample_rate)) as encoder:
        async with aclosing(events):
            async for event in events:
                match event:
                    case tts.AudioChunk():
                        spoken = True
                        yield event, encoder.feed(event.pcm)
                    case AnswerFinished():
                        yield event, encoder.finish() if spoken else b""
                    case _:
                        yield event, b""

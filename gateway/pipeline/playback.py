"""A turn as it is listened to: its events, and the encoded audio that is ready with each."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, closing

from adapters.contract import tts
from gateway.audio.encode import Encoder
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.turn import Event


async def played(
    turn: AsyncGenerator[Event, None], response_format: str, sample_rate: int
) -> AsyncGenerator[tuple[Event, bytes], None]:
    """Each event of ``turn`` with the bytes of ``response_format`` that are ready by then, often none.

    ``sample_rate`` (Hz) is the synthesiser's. All bytes joined are one file; a turn that says nothing has none.
    """
    spoken = False
    with closing(Encoder(response_format, sample_rate=sample_rate)) as encoder:
        async with aclosing(turn) as events:
            async for event in events:
                match event:
                    case tts.AudioChunk():
                        spoken = True
                        yield event, encoder.feed(event.pcm)
                    case AnswerFinished():
                        yield event, encoder.finish() if spoken else b""
                    case _:
                        yield event, b""

"""The events of a turn, each with the encoded audio that is ready by then."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from typing import TypeVar

from adapters.contract import audio, tts
from gateway.audio.encode import Encoder
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.read_aloud import ReadingFinished

T = TypeVar("T")

SILENCE_SECONDS = 0.1
"""How long the audio of an answer is that holds nothing to say: players refuse an empty file."""


async def encoded(
    events: AsyncGenerator[T, None], response_format: str, sample_rate: int, *, audio_only: bool
) -> AsyncGenerator[tuple[T, bytes], None]:
    """Each event with the bytes of ``response_format`` that are ready by then, often none.

    ``sample_rate`` (Hz) is the synthesiser's. All bytes joined are one file. An answer with nothing to say is a short
    silence, but one that only calls tools has no audio, unless the listener gets the ``audio_only``.
    """
    spoken = False
    with closing(Encoder(response_format, sample_rate=sample_rate)) as encoder:
        async with aclosing(events):
            async for event in events:
                match event:
                    case tts.AudioChunk():
                        spoken = True
                        yield event, encoder.feed(event.pcm)
                    case AnswerFinished() | ReadingFinished() if spoken:
                        yield event, encoder.finish()
                    case AnswerFinished(reason="tool_calls") if not audio_only:
                        yield event, b""
                    case AnswerFinished() | ReadingFinished():
                        silence = bytes(round(SILENCE_SECONDS * sample_rate) * audio.SAMPLE_BYTES)
                        yield event, encoder.feed(silence) + encoder.finish()
                    case _:
                        yield event, b""

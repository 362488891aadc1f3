"""Speaks a text phrase by phrase: what synthesisers share whose model takes a phrase at a time."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import av

from adapters.blocking import call
from adapters.contract import audio, tts
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from adapters.tts import waveform
from adapters.tts.pieces import is_spoken, phrases

SLOWEST, FASTEST = 0.5, 1.5
"""The speeds that models are asked for, and keep to: what is beyond is made by stretching the audio."""

Speak = Callable[[str, float], Awaitable[bytes]]
"""The samples (s16le mono) of a phrase at a speed."""


async def spoken(
    request: tts.Request, speak: Speak, *, sample_rate: int, adapter: str
) -> AsyncGenerator[tts.Event, None]:
    """The events of ``request``, whose phrases ``speak`` says one after the other; raises what it raises.

    Raises ``UpstreamError`` when audio cannot be stretched.
    """
    yield Started(ignored=("instructions",) if request.instructions else ())
    speed = min(max(request.speed, SLOWEST), FASTEST)
    seconds = 0.0
    # A zero byte would end the text, half a surrogate pair cannot be sent.
    for phrase in phrases(request.text.encode(errors="replace").decode().replace("\0", " ")):
        if is_spoken(phrase):
            pcm = await speak(phrase, speed)
            try:
                if request.speed != speed:
                    pcm = await call(waveform.at_tempo, pcm, request.speed / speed, sample_rate)
            except av.FFmpegError as error:
                raise UpstreamError(
                    f"The speech of {adapter} could not be made faster or slower; omit the speed.", adapter=adapter
                ) from error
            seconds += audio.seconds(pcm, sample_rate)
            for chunk in waveform.chunks(waveform.faded(pcm, sample_rate), sample_rate):
                yield tts.AudioChunk(pcm=chunk)
    yield tts.Finished(seconds=seconds, characters=len(request.text))

"""Listening stage: runs voice activity detection first, so that silent audio is never sent to recognition."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import assert_never

import msgspec

from adapters.contract import audio, llm, stt, vad
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, UpstreamError
from gateway.audio.encode import wav_header
from gateway.engines.fallback_recogniser import HeardBy


class NoSpeech(InvalidRequest):
    """There is audio, but no words in it."""

    def __init__(self) -> None:
        super().__init__(
            "No speech was heard in the audio. Check that the recording is not silent and that somebody speaks in it.",
            param="audio",
            code="no_speech",
        )


class TranscriptDelta(msgspec.Struct, frozen=True, kw_only=True, tag="transcript_delta"):
    """More of what was heard; it will not change any more."""

    text: str


class TranscriptFinished(msgspec.Struct, frozen=True, kw_only=True, tag="transcript_finished"):
    """All that was heard, its language (ISO 639-1) if known, and how many seconds of audio were recognised.

    ``stood_in`` names the engine that heard it in place of the route's own.
    """

    text: str
    language: str | None
    seconds: float
    stood_in: str | None = None


class RecordingFinished(msgspec.Struct, frozen=True, kw_only=True, tag="recording_finished"):
    """The recording itself, for a model that listens: no recogniser runs. ``seconds`` is its length."""

    recording: llm.Audio
    seconds: float


Listened = TranscriptDelta | TranscriptFinished | RecordingFinished

_BLOCKS_PER_SECOND = 4


async def blocks(pcm: bytes, sample_rate: int) -> AsyncGenerator[bytes, None]:
    """A whole recording (s16le mono at ``sample_rate`` Hz) in blocks of a quarter of a second."""
    size = sample_rate // _BLOCKS_PER_SECOND * audio.SAMPLE_BYTES
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]


async def listen(
    recogniser: stt.Recogniser, detector: vad.Detector | None, pcm: AsyncGenerator[bytes, None], language: str | None
) -> AsyncGenerator[TranscriptDelta | TranscriptFinished, None]:
    """Recognise what is said in ``pcm`` (s16le mono at the recogniser's rate); ends with ``TranscriptFinished``.

    ``language`` (ISO 639-1) is the language spoken, if known. Raises ``NoSpeech`` when there are no words, and
    ``AdapterError``: ``UpstreamError`` when the recogniser stops before it is finished.
    """
    told = ""
    finished: stt.Finished | None = None
    async with (
        aclosing(_from_first_speech(pcm, detector)) as speech,
        aclosing(recogniser.stream(stt.Request(audio=speech, language=language))) as events,
    ):
        async for event in events:
            match event:
                case Started():
                    pass
                case stt.PartialTranscript(stable=known) | stt.FinalTranscript(text=known):
                    if isinstance(event, stt.FinalTranscript) and not known.strip():
                        raise NoSpeech
                    if known != told:
                        yield TranscriptDelta(text=known[len(told) :])
                    told = known
                case stt.Finished():
                    finished = event
                case _:
                    assert_never(event)
    if finished is None:
        raise UpstreamError("The recogniser's stream ended before the transcript was finished.")
    stood_in = finished.engine if isinstance(finished, HeardBy) else None
    yield TranscriptFinished(text=told, language=finished.language, seconds=finished.seconds, stood_in=stood_in)


async def record(
    detector: vad.Detector | None, pcm: AsyncGenerator[bytes, None], sample_rate: int
) -> AsyncGenerator[RecordingFinished, None]:
    """The whole of ``pcm`` (s16le mono at ``sample_rate`` Hz) as one WAV file. Raises ``NoSpeech``."""
    async with aclosing(_from_first_speech(pcm, detector)) as speech:
        data = b"".join([block async for block in speech])
    recording = llm.Audio(data=wav_header(sample_rate, len(data)) + data, format="wav")
    yield RecordingFinished(recording=recording, seconds=audio.seconds(data, sample_rate))


async def _from_first_speech(
    pcm: AsyncGenerator[bytes, None], detector: vad.Detector | None
) -> AsyncGenerator[bytes, None]:
    """Pass ``pcm`` on from its beginning once ``detector`` hears speech in it. Raises ``NoSpeech`` if it never does."""
    held: list[bytes] = []
    async with aclosing(pcm):
        async for block in pcm:
            if detector is None:
                yield block
                continue
            held.append(block)
            if any(isinstance(event, vad.SpeechStarted) for event in detector.feed(block)):
                detector = None
                for earlier in held:
                    yield earlier
    if detector is not None:
        raise NoSpeech

"""Listening stage: runs voice activity detection first, so that silent audio is never sent to recognition."""

from collections.abc import AsyncGenerator, AsyncIterator
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


class RecognitionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a recording is to be recognised; the fields are those of ``stt.Request``."""

    language: str | None = None
    prompt: str | None = None
    temperature: float | None = None
    word_times: bool = False
    segment_times: bool = False
    translate: bool = False

    def request(self, speech: AsyncIterator[bytes]) -> stt.Request:
        """The recogniser's request to hear ``speech``."""
        return stt.Request(audio=speech, **msgspec.structs.asdict(self))


class OptionsIgnored(msgspec.Struct, frozen=True, kw_only=True, tag="options_ignored"):
    """The recogniser does not follow the options ``names``; comes before the transcript, and only if there are any."""

    names: tuple[str, ...]


class TranscriptDelta(msgspec.Struct, frozen=True, kw_only=True, tag="transcript_delta"):
    """More of what was heard; it will not change any more."""

    text: str


class TranscriptFinished(msgspec.Struct, frozen=True, kw_only=True, tag="transcript_finished"):
    """All that was heard, its language (ISO 639-1) if known, and how many seconds of audio were recognised.

    ``words`` and ``segments`` are there if their times were asked for. ``stood_in`` names the engine that heard it in
    place of the route's own.
    """

    text: str
    language: str | None
    seconds: float
    words: tuple[stt.Word, ...] = ()
    segments: tuple[stt.Segment, ...] = ()
    stood_in: str | None = None


class RecordingFinished(msgspec.Struct, frozen=True, kw_only=True, tag="recording_finished"):
    """The recording itself, for a model that listens: no recogniser runs. ``seconds`` is its length."""

    recording: llm.Audio
    seconds: float


Heard = OptionsIgnored | TranscriptDelta | TranscriptFinished
Listened = Heard | RecordingFinished

_BLOCKS_PER_SECOND = 4


async def blocks(pcm: bytes, sample_rate: int) -> AsyncGenerator[bytes, None]:
    """A whole recording (s16le mono at ``sample_rate`` Hz) in blocks of a quarter of a second."""
    size = sample_rate // _BLOCKS_PER_SECOND * audio.SAMPLE_BYTES
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size]


async def listen(
    recogniser: stt.Recogniser,
    detector: vad.Detector | None,
    pcm: AsyncGenerator[bytes, None],
    options: RecognitionOptions,
) -> AsyncGenerator[Heard, None]:
    """Recognise what is said in ``pcm`` (s16le mono at the recogniser's rate); ends with ``TranscriptFinished``.

    Raises ``NoSpeech`` when there are no words, and ``AdapterError``: ``UpstreamError`` when the recogniser stops
    before it is finished.
    """
    told = ""
    final: stt.FinalTranscript | None = None
    finished: stt.Finished | None = None
    async with (
        aclosing(_from_first_speech(pcm, detector)) as speech,
        aclosing(recogniser.stream(options.request(speech))) as events,
    ):
        async for event in events:
            match event:
                case Started(ignored=names):
                    if names:
                        yield OptionsIgnored(names=names)
                case stt.PartialTranscript(stable=known) | stt.FinalTranscript(text=known):
                    if isinstance(event, stt.FinalTranscript):
                        if not known.strip():
                            raise NoSpeech
                        final = event
                    if known != told and known.strip():  # blanks alone may turn out to be silence
                        yield TranscriptDelta(text=known[len(told) :])
                        told = known
                case stt.Finished():
                    finished = event
                case _:
                    assert_never(event)
    if finished is None or final is None:
        raise UpstreamError("The recogniser's stream ended before the transcript was finished.")
    yield TranscriptFinished(
        text=told,
        language=finished.language,
        seconds=finished.seconds,
        words=final.words,
        segments=final.segments,
        stood_in=finished.engine if isinstance(finished, HeardBy) else None,
    )


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

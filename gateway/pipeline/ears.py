"""The ears of a turn: nobody is asked about audio in which nobody speaks."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from adapters.contract import llm, stt, vad
from adapters.contract.errors import InvalidRequest
from gateway.audio.encode import wav_header


class NoSpeech(InvalidRequest):
    """There is audio, but no words in it."""

    def __init__(self) -> None:
        super().__init__(
            "No speech was heard in the audio. Check that the recording is not silent and that somebody speaks in it.",
            param="file",
            code="no_speech",
        )


async def spoken(audio: AsyncGenerator[bytes, None], detector: vad.Detector | None) -> AsyncGenerator[bytes, None]:
    """Pass ``audio`` (s16le mono) on once ``detector`` hears speech in it. Raises ``NoSpeech`` if it never does."""
    held: list[bytes] = []
    async with aclosing(audio):
        async for block in audio:
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


async def record(audio: AsyncGenerator[bytes, None], detector: vad.Detector | None, sample_rate: int) -> llm.Audio:
    """The whole of ``audio`` (s16le mono at ``sample_rate`` Hz) as a WAV file. Raises ``NoSpeech``."""
    async with aclosing(spoken(audio, detector)) as speech:
        pcm = b"".join([block async for block in speech])
    return llm.Audio(data=wav_header(sample_rate, len(pcm)) + pcm, format="wav")


async def hear(
    recogniser: stt.Recogniser,
    detector: vad.Detector | None,
    audio: AsyncGenerator[bytes, None],
    language: str | None,
) -> AsyncGenerator[stt.Event, None]:
    """Recognise what is said in ``audio``. Raises ``NoSpeech`` when there are no words, ``AdapterError`` otherwise."""
    async with (
        aclosing(spoken(audio, detector)) as speech,
        aclosing(recogniser.stream(stt.Request(audio=speech, language=language))) as events,
    ):
        async for event in events:
            if isinstance(event, stt.FinalTranscript) and not event.text.strip():
                raise NoSpeech
            yield event

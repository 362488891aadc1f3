"""A recogniser whose transcript is known to the letter: partial texts, words and segments with times, a translation."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from adapters.contract import stt
from adapters.contract.engine import Started
from adapters.scripted import Scripted

PIECES = ("Hallo, ", "wie geht's? ", "Gut & <munter>.")
TEXT = "".join(PIECES)
WORDS = (
    stt.Word(text="Hallo,", start=0.1, end=0.4),
    stt.Word(text=" wie", start=0.5, end=0.6),
    stt.Word(text=" geht's?", start=0.6, end=0.9),
    stt.Word(text=" Gut", start=1.0, end=1.2),
    stt.Word(text=" &", start=1.2, end=1.3),
    stt.Word(text=" <munter>.", start=1.3, end=1.8),
)
SEGMENTS = (
    stt.Segment(
        text=" Hallo, wie geht's?",
        start=0.1,
        end=0.9,
        tokens=(7, 8),
        temperature=0.2,
        avg_logprob=-0.25,
        compression_ratio=1.5,
        no_speech_prob=0.01,
    ),
    stt.Segment(text=" Gut & <munter>.", start=1.0, end=1.8),
)
TRANSLATION = "Hello, how are you? Well & cheerful."


class TranscriptEngine(Scripted[stt.Request, stt.Event, stt.Info]):
    """Gives ``TEXT`` piece by piece, the times that are asked for, or ``TRANSLATION``; follows no tuning."""

    def __init__(self, **can: Any) -> None:
        able = {"word_times": True, "segment_times": True, "translation": True, **can}
        super().__init__(stt.Info(sample_rate=16_000, **able), _transcript)

    async def stream(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        """The transcript, beginning with the names of what has no effect on it."""
        ignored = tuple(name for name in ("prompt", "temperature") if getattr(request, name) is not None)
        async with aclosing(super().stream(request)) as events:
            async for event in events:
                yield Started(ignored=ignored) if isinstance(event, Started) else event


async def _transcript(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
    samples = 0
    async for block in request.audio:
        samples += len(block) // 2
    if request.translate:
        yield stt.FinalTranscript(text=TRANSLATION, segments=SEGMENTS if request.segment_times else ())
    else:
        for count in range(1, len(PIECES)):
            yield stt.PartialTranscript(stable="".join(PIECES[:count]), unstable="?")
        yield stt.FinalTranscript(
            text=TEXT,
            words=WORDS if request.word_times else (),
            segments=SEGMENTS if request.segment_times else (),
        )
    yield stt.Finished(language=request.language or "de", seconds=samples / 16_000)

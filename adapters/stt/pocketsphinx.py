"""The embedded recogniser: pocketsphinx in worker processes, because it holds the interpreter's lock."""

import re
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Annotated

import msgspec

from adapters.blocking import WorkerPool
from adapters.contract import audio, stt
from adapters.contract.description import EngineDescription
from adapters.contract.engine import Started
from adapters.contract.errors import Unsupported
from adapters.stt import recording

NAME = "pocketsphinx"
SAMPLE_RATE = 16_000
MAX_SECONDS = 60
# A minute of audio takes about 12 s on one core; a busy machine is slower.
TIMEOUT_SECONDS = 180
# Shorter than any word, and too short for the decoder's first frames.
MIN_SECONDS = 0.1


class PocketSphinx:
    """Speech to text for English without a download; modest: it suits short, plain sentences."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Options of the embedded recogniser."""

        pocketsphinx_workers: Annotated[
            int,
            msgspec.Meta(
                ge=1, le=64, description="Utterances recognised at the same time, each in a process of about 90 MB."
            ),
        ] = 2

    description = EngineDescription(default=True)

    def __init__(self, options: Options) -> None:
        self._pool = WorkerPool(
            "adapters.stt.pocketsphinx:recogniser",
            size=options.pocketsphinx_workers,
            timeout=TIMEOUT_SECONDS,
            adapter=NAME,
        )
        self._info = stt.Info(
            sample_rate=SAMPLE_RATE, languages=("en",), word_times=True, max_parallel=options.pocketsphinx_workers
        )

    @property
    def info(self) -> stt.Info:
        """English at 16 kHz, with word times."""
        return self._info

    async def warm_up(self) -> None:
        """Start the workers and load the model in each. Raises ``Unavailable``."""
        await self._pool.warm_up()

    async def aclose(self) -> None:
        """End the workers."""
        await self._pool.aclose()

    async def stream(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        """Recognise one utterance of at most 60 s, as a whole: that errs a third less often than block by block.

        Raises ``Unsupported`` for other languages, ``TooLong``, ``Unavailable`` and ``UpstreamError``.
        """
        _require_english(request.language)
        pcm = await recording.whole(request.audio, sample_rate=SAMPLE_RATE, most_seconds=MAX_SECONDS, adapter=NAME)
        async with aclosing(self._pool.stream(pcm)) as answers:
            await anext(answers)
            yield Started(ignored=("prompt",) if request.prompt else ())
            words = msgspec.msgpack.decode(await anext(answers), type=tuple[stt.Word, ...])
            async for _ in answers:
                pass  # the worker's answer is read to its end, which keeps the worker
        text = " ".join(word.text for word in words)
        yield stt.FinalTranscript(text=text, words=words if request.word_times else ())
        yield stt.Finished(language="en", seconds=audio.seconds(pcm, SAMPLE_RATE))


def _require_english(language: str | None) -> None:
    if language is not None and re.split("[-_]", language.lower())[0] not in {"en", "eng", "english"}:
        raise Unsupported(
            f"The embedded recogniser understands English only, not {language!r}; choose another engine with --stt.",
            adapter=NAME,
            param="language",
        )


def recogniser() -> Callable[[bytes], Iterator[bytes]]:
    """In a worker: load the model; the function returned answers PCM with ``b""`` at once and then the words."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")

    def recognise(pcm: bytes) -> Iterator[bytes]:
        yield b""
        words: list[stt.Word] = []
        if audio.seconds(pcm, SAMPLE_RATE) >= MIN_SECONDS:
            # What the decoder learnt of the last speaker's level would colour this one's words.
            decoder.reinit_feat()
            decoder.start_utt()
            try:
                decoder.process_raw(pcm[: len(pcm) // 2 * 2], full_utt=True)
            finally:
                decoder.end_utt()
            segments = [(s.word, s.start_frame, s.end_frame) for s in decoder.seg() or ()]
            words = spoken_words(segments, decoder.config["frate"])
        yield msgspec.msgpack.encode(words)

    return recognise


def spoken_words(segments: list[tuple[str, int, int]], frame_rate: int) -> list[stt.Word]:
    """The decoder's segments (label, first and last frame) as words, without silences, noises and ``a(2)`` marks."""
    return [
        stt.Word(text=re.sub(r"\(\d+\)$", "", label), start=first / frame_rate, end=(last + 1) / frame_rate)
        for label, first, last in segments
        if not label.startswith(("<", "[", "+"))
    ]

"""The engine ``pocketsphinx``: the embedded recogniser, in worker processes because it holds the interpreter's lock."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated

import msgspec

from adapters.blocking import WorkerPool
from adapters.contract import audio, stt
from adapters.contract.description import EngineDescription
from adapters.contract.engine import Started
from adapters.stt import capabilities, whole_audio
from adapters.stt.pocketsphinx.decoder import SAMPLE_RATE
from adapters.stt.segments import segments_of

ADAPTER = "pocketsphinx"
MAX_SECONDS = 60
# A minute of audio takes about 12 s on one core, longer on a busy machine.
TIMEOUT_SECONDS = 180

_WAY_OUT = "choose another engine with --stt"


class PocketSphinx:
    """Speech to text for English without a download; it suits short, plain sentences."""

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
            "adapters.stt.pocketsphinx.decoder:recogniser",
            size=options.pocketsphinx_workers,
            timeout=TIMEOUT_SECONDS,
            adapter=ADAPTER,
        )
        self._info = stt.Info(
            sample_rate=SAMPLE_RATE,
            languages=("en",),
            word_times=True,
            segment_times=True,
            max_parallel=options.pocketsphinx_workers,
        )

    @property
    def info(self) -> stt.Info:
        """English at 16 kHz, with times."""
        return self._info

    async def warm_up(self) -> None:
        """Start the workers and load the model in each. Raises ``Unavailable``."""
        await self._pool.warm_up()

    async def aclose(self) -> None:
        """End the workers."""
        await self._pool.aclose()

    async def stream(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        """Recognise one utterance of at most 60 s; a long one in parts, with a partial transcript after each.

        Raises ``Unsupported`` for other languages and translation, ``TooLong``, ``Unavailable`` and ``UpstreamError``.
        """
        capabilities.check(self._info, request, adapter=ADAPTER, way_out=_WAY_OUT)
        capabilities.known_language(self._info, request.language, adapter=ADAPTER)
        pcm = await whole_audio.gather(request.audio, sample_rate=SAMPLE_RATE, max_seconds=MAX_SECONDS, adapter=ADAPTER)
        async with aclosing(self._pool.stream(pcm)) as replies:
            await anext(replies)
            yield Started(ignored=capabilities.ignored(request, ("prompt", "temperature")))
            words: tuple[stt.Word, ...] = ()
            async for reply in replies:
                words += msgspec.msgpack.decode(reply, type=tuple[stt.Word, ...])
                if words:
                    yield stt.PartialTranscript(stable=_text(words))
        yield stt.FinalTranscript(
            text=_text(words),
            words=words if request.word_times else (),
            segments=segments_of(words) if request.segment_times else (),
        )
        yield stt.Finished(language="en", seconds=audio.seconds(pcm, SAMPLE_RATE))


def _text(words: Sequence[stt.Word]) -> str:
    return " ".join(word.text for word in words)

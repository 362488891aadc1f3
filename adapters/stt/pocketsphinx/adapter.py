"""The engine ``pocketsphinx``: the embedded recogniser, in worker processes because it holds the interpreter's lock."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import msgspec

from adapters.blocking import WorkerPool
from adapters.contract import audio, stt
from adapters.contract.description import EngineDescription
from adapters.contract.engine import Started
from adapters.contract.errors import Unsupported
from adapters.stt import whole_audio
from adapters.stt.pocketsphinx.decoder import SAMPLE_RATE

ADAPTER = "pocketsphinx"
MAX_SECONDS = 60
# A minute of audio takes about 12 s on one core, longer on a busy machine.
TIMEOUT_SECONDS = 180


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
        """Recognise one utterance of at most 60 s as a whole, which makes a third fewer errors than in blocks.

        Raises ``Unsupported`` for other languages, ``TooLong``, ``Unavailable`` and ``UpstreamError``.
        """
        _check_language(request.language)
        pcm = await whole_audio.gather(request.audio, sample_rate=SAMPLE_RATE, max_seconds=MAX_SECONDS, adapter=ADAPTER)
        async with aclosing(self._pool.stream(pcm)) as replies:
            await anext(replies)
            yield Started(ignored=("prompt",) if request.prompt else ())
            words = msgspec.msgpack.decode(await anext(replies), type=tuple[stt.Word, ...])
            async for _ in replies:
                pass  # a worker whose reply is read to its end can be used again
        text = " ".join(word.text for word in words)
        yield stt.FinalTranscript(text=text, words=words if request.word_times else ())
        yield stt.Finished(language="en", seconds=audio.seconds(pcm, SAMPLE_RATE))


def _check_language(language: str | None) -> None:
    if language is not None and re.split("[-_]", language.lower())[0] not in {"en", "eng", "english"}:
        raise Unsupported(
            f"The embedded recogniser understands English only, not {language!r}; choose another engine with --stt.",
            adapter=ADAPTER,
            param="language",
        )

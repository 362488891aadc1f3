"""Decodes recordings in worker processes, because odd files, valid ones too, can crash or stall the decoder."""

import struct

from adapters.blocking import Limits, Send, Work, WorkerDied, WorkerPool
from adapters.contract.errors import TimedOut, UpstreamError
from gateway.audio.decode import decode
from gateway.audio.plain_wav import plain_wav
from gateway.audio.refusals import too_much_work

WORKERS = 2

_SHORT_BYTES = 262_144
"""Eight seconds of plain WAV at 16 kHz, decoded in less than a millisecond; sixteen at 8 kHz take five."""

_SILENCE_SECONDS = 30
"""How long a worker may send nothing, however busy the machine is."""

_LIMITS = Limits(memory_bytes=512 * 1024 * 1024, cpu_seconds=2)


_HEADER = struct.Struct("=Id")
"""What precedes the recording in a job: the sample rate in Hz, and the most seconds of sound."""

_PIECE_BYTES = 262_144
"""What a worker sends at once."""


class DecoderPool:
    """Decodes what people upload, up to ``max_seconds`` of sound; the workers start when they are first needed."""

    def __init__(self, *, max_seconds: float) -> None:
        self._max_seconds = max_seconds
        self._pool = WorkerPool(
            f"{__name__}:decoder", size=WORKERS, timeout=_SILENCE_SECONDS, adapter="decoder", limits=_LIMITS
        )

    async def warm_up(self) -> None:
        """Start the workers. Raises ``Unavailable``."""
        await self._pool.warm_up()

    async def aclose(self) -> None:
        """End the workers; harmless when repeated."""
        await self._pool.aclose()

    async def decode(self, data: bytes, sample_rate: int) -> bytes:
        """The sound in a file as s16le mono at ``sample_rate`` Hz: 19 MB for ten minutes at 16 kHz.

        Short WAV files of plain 16 bit PCM are decoded here: that takes less time than the way to a worker, and no
        foreign decoder sees them. Raises ``InvalidRequest`` on anything but sound, also on files that crash the decoder
        or are too much work for it; ``TooLong``; and ``Unavailable`` when no worker can be started.
        """
        if len(data) <= _SHORT_BYTES and plain_wav(data):
            return b"".join(decode(data, sample_rate=sample_rate, max_seconds=self._max_seconds))
        try:
            return await self._pool.answer(_HEADER.pack(sample_rate, self._max_seconds), data)
        except (WorkerDied, TimedOut, UpstreamError) as error:
            raise too_much_work() from error


def decoder() -> Work:
    """In a worker: a function from a job to the sound in its recording."""

    def run(payload: bytes, send: Send) -> bytes:
        sample_rate, max_seconds = _HEADER.unpack_from(payload)
        pending = bytearray()
        for block in decode(payload[_HEADER.size :], sample_rate=sample_rate, max_seconds=max_seconds):
            pending += block
            if len(pending) >= _PIECE_BYTES:
                send(bytes(pending))
                pending.clear()
        return bytes(pending)

    return run

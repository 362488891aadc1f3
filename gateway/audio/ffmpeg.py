"""Reads recordings of every known format through FFmpeg; for a worker process only, because odd files can end it."""

import io
import time
from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Any, NoReturn

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from gateway.audio import ogg
from gateway.audio.refusals import invalid, not_audio, too_much_work, truncated

Block = tuple[int, bytes]
"""A sample rate in Hz, and s16le mono samples at that rate."""

Samples = NDArray[np.float32]
"""Mono, between -1 and 1."""

_PLAUSIBLE_RATES = range(1_000, 768_001)
_LONGEST_BELIEVED = 24 * 3600
"""Seconds: a longer declared duration is a placeholder."""

_STEP = 65_536
"""Samples that are converted at once: one packet may hold the whole recording."""

_MOST_PLANES = 7
"""Channels of a frame that has a plane for each: PyAV looks for their end in a table of eight pointers."""

_MOST_CHANNELS = 64

_START_SECONDS = 1.0
_SECONDS_PER_SECOND = 0.1

_KINDS = MappingProxyType(
    {
        "u8": ("u1", 2.0**7),
        "s16": ("i2", 2.0**15),
        "s32": ("i4", 2.0**31),
        "s64": ("i8", 2.0**63),
        "flt": ("f4", 1.0),
        "dbl": ("f8", 1.0),
    }
)
"""The sample formats of FFmpeg: the type of a sample and its full scale."""


class _Budget:
    """Processor time that decoding may take: one second, and a tenth of what the sound takes to play."""

    def __init__(self) -> None:
        self._start = time.process_time()
        self._allowed = _START_SECONDS

    def extend(self, frames: list[AudioFrame]) -> None:
        """These are decoded too."""
        self._allowed += _SECONDS_PER_SECOND * sum(frame.samples / max(1, frame.sample_rate) for frame in frames)

    def check(self) -> None:
        """Raise ``InvalidRequest`` when decoding took too long."""
        if time.process_time() - self._start > self._allowed:
            raise too_much_work()


def read(data: bytes, demuxer: str) -> Iterator[Block]:
    """The sound of the first audio track of ``data``, in blocks of about a quarter of a second.

    ``demuxer`` is FFmpeg's name of the format. Raises ``InvalidRequest``, also after blocks.
    """
    budget = _Budget()
    for part in ogg.links(data) if demuxer == "ogg" else (data,):
        yield from _blocks(_frames(part, demuxer, budget))


def _blocks(frames: Iterable[AudioFrame]) -> Iterator[Block]:
    held: list[Samples] = []
    count = rate = 0
    for frame in frames:
        if frame.sample_rate not in _PLAUSIBLE_RATES:
            raise not_audio()
        for samples in _mono(frame):
            if held and (frame.sample_rate != rate or count >= rate // 4):
                yield rate, _pcm(held)
                held, count = [], 0
            rate = frame.sample_rate
            held.append(samples)
            count += len(samples)
    if held:
        yield rate, _pcm(held)


def _mono(frame: AudioFrame) -> Iterator[Samples]:
    """The average of all channels of a frame, in steps."""
    channels = frame.layout.nb_channels
    planes = channels if frame.format.is_planar else 1
    if frame.format.packed.name not in _KINDS or not channels:
        raise not_audio()
    if planes > _MOST_PLANES or channels > _MOST_CHANNELS:
        raise invalid(f"The recording has {channels} channels, more than this server reads: send it in mono or stereo.")
    kind, full_scale = _KINDS[frame.format.packed.name]
    count = frame.samples * channels // planes
    raw: NDArray[Any] = np.stack([np.frombuffer(memoryview(plane), kind, count) for plane in frame.planes[:planes]])
    by_channel = raw if planes == channels else raw.reshape(-1, channels).T
    for start in range(0, frame.samples, _STEP):
        with np.errstate(all="ignore"):  # floating point samples may be anything
            mixed: Samples = by_channel[:, start : start + _STEP].mean(axis=0, dtype=np.float32)
            scaled = (mixed - full_scale if kind == "u1" else mixed) / np.float32(full_scale)
        yield scaled  # not within: what numpy is told holds for the reader too, until it is taken back in that context


def _pcm(held: list[Samples]) -> bytes:
    """Samples as s16le, clipped at full scale."""
    samples = np.nan_to_num(np.concatenate(held)).clip(-1, 1) * np.float32(2.0**15)
    pcm: NDArray[np.int16] = np.rint(samples).clip(-(2**15), 2**15 - 1).astype("<i2")
    return pcm.tobytes()


def _frames(data: bytes, demuxer: str, budget: _Budget) -> Iterator[AudioFrame]:
    """The frames of the first audio track; the file is closed when the iterator is."""
    try:
        budget.check()  # a file may consist of thousands of links
        container = av.open(
            io.BytesIO(data), "r", format=demuxer, metadata_errors="replace", io_open=_refuse_other_files
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise not_audio() from error
    with container:
        if not container.streams.audio:
            raise invalid("The file has no audio track.")
        stream = container.streams.audio[0]
        seconds = 0.0
        for frame in _tolerant(container, stream, budget):
            seconds += frame.samples / max(1, frame.sample_rate)
            yield frame
        # The one format that declares its length and whose bytes do not show what is missing.
        declared = float((stream.duration or 0) * (stream.time_base or 0))
        if demuxer == "flac" and seconds < 0.95 * declared < _LONGEST_BELIEVED:
            raise truncated()


def _tolerant(container: InputContainer, stream: AudioStream, budget: _Budget) -> Iterator[AudioFrame]:
    """Every frame that can be decoded: a damaged packet costs its own samples, not the recording."""
    packets = container.demux(stream)
    sound = damage = False
    try:
        for packet in packets:
            budget.check()
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                damage = True
                continue
            sound = sound or bool(frames)
            budget.extend(frames)
            yield from frames
    except av.error.EOFError:
        pass
    except (av.error.FFmpegError, ValueError) as error:
        raise not_audio() from error
    if damage and not sound:
        raise not_audio()


def _refuse_other_files(url: str, flags: int, options: object) -> NoReturn:  # noqa: ARG001 - FFmpeg's signature
    raise PermissionError("an uploaded file may not open another one")

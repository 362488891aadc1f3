"""Decode what people upload, whatever it was recorded with, into blocks of PCM."""

import io
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, NoReturn

import av
import av.error
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from adapters import blocking
from adapters.contract.audio import SAMPLE_BYTES
from adapters.contract.errors import InvalidRequest, TooLong
from gateway.audio import sniff
from gateway.audio.resample import Resampler

MINIMUM_SECONDS = 0.1

_BLOCKS_PER_SECOND = 4
_PLAUSIBLE_RATES = range(1_000, 768_001)
_INVALID_FORMAT = (
    "Invalid file format. Supported formats: ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm']"
)
_TOO_SHORT = "Audio file is too short. Minimum audio length is 0.1 seconds."
_TRUNCATED = "The audio file is truncated: it holds less sound than it declares. Send the whole file."
_FULL_SCALE = {"s16": 2.0**15, "s32": 2.0**31}

_READ_BY_SOUNDFILE = frozenset({"wav", "aiff", "ogg"})
"""What soundfile reads, up to ten times faster than FFmpeg. It refuses FLAC that was streamed or cut off, and its MP3
decoder writes notes about damage to stderr."""

_MOST_CHANNELS = 64

_SHORT_BYTES = 262_144
"""Eight seconds of plain WAV at 16 kHz, decoded in a third of a millisecond; sixteen at 8 kHz take five."""

Block = tuple[int, bytes]
"""A sample rate in Hz, and s16le mono samples at that rate."""


def decoder(data: bytes, max_seconds: float) -> Callable[[int], AsyncGenerator[bytes, None]]:
    """``decode`` for a file whose sample rate is decided later."""
    return lambda sample_rate: decode(data, sample_rate=sample_rate, max_seconds=max_seconds)


def decode(data: bytes, *, sample_rate: int, max_seconds: float) -> AsyncGenerator[bytes, None]:
    """The sound in a file as s16le mono at ``sample_rate`` Hz, in blocks of a quarter of a second.

    Decodes in a thread, a few blocks ahead of the reader, but for short WAV files of plain 16 bit PCM: those take less
    time than the way to a thread and back, all others may be small and still be work. Raises ``InvalidRequest`` on
    anything but sound, and ``TooLong`` as soon as more than ``max_seconds`` are passed; either may come after blocks.
    """
    if len(data) <= _SHORT_BYTES and sniff.is_plain(data):
        return _at_once(decode_blocks(data, sample_rate=sample_rate, max_seconds=max_seconds))
    return blocking.iterate(lambda: decode_blocks(data, sample_rate=sample_rate, max_seconds=max_seconds), ahead=4)


async def _at_once(blocks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    for block in blocks:
        yield block


def decode_blocks(data: bytes, *, sample_rate: int, max_seconds: float) -> Iterator[bytes]:
    """The same, in the thread that iterates."""
    if not data:
        raise _invalid("The audio file is empty.")
    demuxer = sniff.demuxer(data)
    if demuxer is None:
        raise _not_audio()
    if sniff.cut_off(data, demuxer):
        raise _invalid(_TRUNCATED)
    block_bytes = sample_rate // _BLOCKS_PER_SECOND * SAMPLE_BYTES
    pending = bytearray()
    for pcm in _resampled(_sound(data, demuxer), sample_rate, max_seconds):
        pending += pcm
        while len(pending) >= block_bytes:
            yield bytes(pending[:block_bytes])
            del pending[:block_bytes]
    if pending:
        yield bytes(pending)


def _resampled(blocks: Iterator[Block], sample_rate: int, max_seconds: float) -> Iterator[bytes]:
    """Blocks of any rate, which may change on the way, as PCM at one rate."""
    resampler, current, seconds = Resampler(sample_rate, sample_rate), sample_rate, 0.0
    for rate, pcm in blocks:
        if rate not in _PLAUSIBLE_RATES:
            raise _not_audio()
        seconds += len(pcm) / (SAMPLE_BYTES * rate)
        if seconds > max_seconds:
            message = (
                f"The audio is longer than the {max_seconds:g} seconds this server takes: send a shorter recording."
            )
            raise TooLong(message, param="audio", code="audio_too_long")
        if rate != current:
            yield resampler.finish()
            current = rate
            resampler = Resampler(rate, sample_rate)
        yield resampler.feed(pcm)
    if seconds < MINIMUM_SECONDS:
        raise InvalidRequest(_TOO_SHORT, param="audio", code="audio_too_short")
    yield resampler.finish()


def _sound(data: bytes, demuxer: str) -> Iterator[Block]:
    """What is in the file, by soundfile where it reads and by FFmpeg for the rest."""
    if demuxer in _READ_BY_SOUNDFILE:
        try:
            file = soundfile.SoundFile(io.BytesIO(data))
        except soundfile.LibsndfileError:
            pass  # a variant that only FFmpeg knows, or nothing at all
        else:
            with file:
                if file.frames:  # none: a streamed WAV whose length was never filled in
                    yield from _read(file)
                    return
    for frame in _frames(data, demuxer):
        yield frame.sample_rate, _mono(frame)


def _read(file: soundfile.SoundFile) -> Iterator[Block]:
    """The samples of a file that soundfile has opened."""
    rate = int(file.samplerate)
    if rate not in _PLAUSIBLE_RATES or file.channels > _MOST_CHANNELS:
        raise _not_audio()
    frames = 0
    as_they_are = file.channels == 1 and file.subtype == "PCM_16"
    try:
        # A second at a time: each step costs the event loop the interpreter's lock. Without a number of frames
        # soundfile refuses codecs in which it cannot seek, such as GSM 6.10.
        kind = "int16" if as_they_are else "float32"
        for block in file.blocks(rate, frames=file.frames, dtype=kind, always_2d=True):
            frames += len(block)
            yield rate, block.astype("<i2").tobytes() if as_they_are else _pcm(block.mean(axis=1))
    except (soundfile.LibsndfileError, ValueError) as error:
        raise _not_audio() from error
    if frames < 0.95 * file.frames:
        raise _invalid(_TRUNCATED)


def _pcm(mixed: NDArray[Any]) -> bytes:
    """Samples between -1 and 1 as s16le, clipped at full scale."""
    samples = np.rint(np.nan_to_num(mixed) * 2.0**15)
    pcm: NDArray[np.int16] = np.clip(samples, -(2**15), 2**15 - 1).astype("<i2")
    return pcm.tobytes()


def _mono(frame: AudioFrame) -> bytes:
    """The average of all channels of a frame."""
    raw: NDArray[Any] = frame.to_ndarray()
    kind = frame.format.packed.name
    channels = raw if frame.format.is_planar else raw.reshape(-1, frame.layout.nb_channels).T
    mixed = channels.mean(axis=0, dtype=np.float64)
    if kind == "u8":
        mixed = (mixed - 128) / 128
    else:
        mixed /= _FULL_SCALE.get(kind, 1.0)
    return _pcm(mixed)


def _frames(data: bytes, demuxer: str) -> Iterator[AudioFrame]:
    """The frames of the first audio track; the file is closed when the iterator is."""
    try:
        container = av.open(
            io.BytesIO(data), "r", format=demuxer, metadata_errors="replace", io_open=_refuse_other_files
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise _not_audio() from error
    with container:
        if not container.streams.audio:
            raise _invalid("The file has no audio track.")
        stream = container.streams.audio[0]
        seconds = 0.0
        for frame in _tolerant(container, stream):
            seconds += frame.samples / max(1, frame.sample_rate)
            yield frame
        # The one format that declares its length and whose bytes do not show what is missing.
        declared = float((stream.duration or 0) * (stream.time_base or 0))
        if demuxer == "flac" and seconds < 0.95 * declared:
            raise _invalid(_TRUNCATED)


def _tolerant(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Every frame that can be decoded: a damaged packet costs its own samples, not the recording."""
    packets = container.demux(stream)
    sound = damage = False
    try:
        for packet in packets:
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                damage = True
                continue
            sound = sound or bool(frames)
            yield from frames
    except av.error.EOFError:
        pass
    except (av.error.FFmpegError, ValueError) as error:
        raise _not_audio() from error
    if damage and not sound:
        raise _not_audio()


def _refuse_other_files(url: str, flags: int, options: object) -> NoReturn:  # noqa: ARG001 - FFmpeg's signature
    raise PermissionError("an uploaded file may not open another one")


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(message, param="audio", code="invalid_value")


def _not_audio() -> InvalidRequest:
    return InvalidRequest(_INVALID_FORMAT, param="audio")

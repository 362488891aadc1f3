"""Decodes recordings in any known format to PCM; what may end a process runs in one of ``decoder_pool``."""

from collections.abc import Iterable, Iterator

from adapters.contract.audio import SAMPLE_BYTES
from gateway.audio import ffmpeg, sniff
from gateway.audio.plain_wav import plain_wav
from gateway.audio.refusals import invalid, not_audio, too_long, too_short, truncated
from gateway.audio.resample import Resampler

MINIMUM_SECONDS = 0.1


def decode(data: bytes, *, sample_rate: int, max_seconds: float) -> Iterator[bytes]:
    """The sound in a file as s16le mono at ``sample_rate`` Hz, in blocks of no fixed size.

    Raises ``InvalidRequest`` on anything but sound, and ``TooLong`` as soon as there is more than ``max_seconds`` of
    it; either may come after blocks. Plain WAV is read in Python alone; any other file may end the process.
    """
    if not data:
        raise invalid("The audio file is empty.")
    demuxer = sniff.demuxer(data)
    if demuxer is None:
        raise not_audio()
    if sniff.cut_off(data, demuxer):
        raise truncated()
    plain = plain_wav(data)
    return _resampled(plain.blocks() if plain else ffmpeg.read(data, demuxer), sample_rate, max_seconds)


def _resampled(blocks: Iterable[ffmpeg.Block], sample_rate: int, max_seconds: float) -> Iterator[bytes]:
    """Blocks of any rate, which may change on the way, as PCM at one rate."""
    resampler, current, seconds = Resampler(sample_rate, sample_rate), sample_rate, 0.0
    for rate, pcm in blocks:
        seconds += len(pcm) / (SAMPLE_BYTES * rate)
        if seconds > max_seconds:
            raise too_long(max_seconds)
        if rate != current:
            yield resampler.finish()
            current = rate
            resampler = Resampler(rate, sample_rate)
        yield resampler.feed(pcm)
    if seconds < MINIMUM_SECONDS:
        raise too_short(MINIMUM_SECONDS)
    yield resampler.finish()

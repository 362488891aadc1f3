"""Encode PCM into the formats a listener may ask for, bytes out as soon as the codec has them."""

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import av
import msgspec
import numpy as np

from adapters.contract.audio import SAMPLE_BYTES
from gateway.audio.resample import Resampler

OUTPUT_RATE = 24_000
"""Every format's sample rate in Hz (Ogg Opus counts its time at 48 kHz whatever went in)."""

_UNKNOWN_SIZE = 0xFFFF_FFFF


class Codec(msgspec.Struct, frozen=True, kw_only=True):
    """How FFmpeg makes a format: container, encoder, the options of both, bits per second (0: lossless)."""

    container: str
    encoder: Literal["libmp3lame", "libopus", "aac", "flac"]
    options: Mapping[str, str] = {}
    encoder_options: Mapping[str, str] = {}
    bit_rate: int = 0


class AudioFormat(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may ask for; ``codec`` is None where the bytes are the samples themselves."""

    content_type: str
    extension: str
    codec: Codec | None = None


FORMATS: Mapping[str, AudioFormat] = MappingProxyType(
    {
        "mp3": AudioFormat(
            content_type="audio/mpeg",
            extension="mp3",
            codec=Codec(
                container="mp3",
                encoder="libmp3lame",
                # Both would be patched at the end of the file, which has left by then.
                options={"write_xing": "0", "id3v2_version": "0"},
                # Frames that lend bits to each other are held back: the first would come after 75 ms of sound, not 50.
                # The level is LAME's quality: its default takes a third more time for the same signal-to-noise ratio.
                encoder_options={"reservoir": "0", "compression_level": "5"},
                bit_rate=64_000,
            ),
        ),
        "opus": AudioFormat(
            content_type="audio/opus",
            extension="opus",
            # Without it a page is held back until it holds a second of sound.
            codec=Codec(container="ogg", encoder="libopus", options={"page_duration": "20000"}, bit_rate=48_000),
        ),
        "aac": AudioFormat(
            content_type="audio/aac",
            extension="aac",
            codec=Codec(container="adts", encoder="aac", bit_rate=64_000),
        ),
        "flac": AudioFormat(
            content_type="audio/flac",
            extension="flac",
            # The default leaves 8 KB of room for tags before the first sample.
            codec=Codec(container="flac", encoder="flac", options={"metadata_header_padding": "0"}),
        ),
        "wav": AudioFormat(content_type="audio/wav", extension="wav"),
        "pcm": AudioFormat(content_type="audio/pcm", extension="pcm"),
    }
)


def wav_header(sample_rate: int, data_bytes: int | None) -> bytes:
    """The 44 bytes before ``data_bytes`` of s16le mono at ``sample_rate`` Hz; None: a stream whose end is not known."""
    size = _UNKNOWN_SIZE if data_bytes is None else data_bytes
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        min(size + 36, _UNKNOWN_SIZE),
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        sample_rate,
        sample_rate * SAMPLE_BYTES,
        SAMPLE_BYTES,
        8 * SAMPLE_BYTES,
        b"data",
        size,
    )


class Encoder:
    """One stream of s16le mono PCM at ``sample_rate`` Hz, however many utterances, into one format at ``OUTPUT_RATE``.

    ``format_name`` is a key of ``FORMATS`` (else KeyError). Nothing comes out before there is sound in it. Call
    ``close`` in any case, after ``finish`` or instead of it.
    """

    def __init__(self, format_name: str, *, sample_rate: int) -> None:
        self._codec = FORMATS[format_name].codec
        self._resampler = Resampler(sample_rate, OUTPUT_RATE)
        self._stream: _CodecStream | None = None
        self._header = wav_header(OUTPUT_RATE, None) if format_name == "wav" else b""

    def open(self) -> None:
        """Open the codec, which takes two milliseconds, before the first samples are there; else they open it."""
        if self._codec and not self._stream:
            self._stream = _CodecStream(self._codec)

    def feed(self, pcm: bytes) -> bytes:
        """Take the next samples (whole ones) and give the bytes that are ready, maybe none."""
        samples = self._resampler.feed(pcm)
        self.open()
        if self._stream:
            return self._stream.feed(samples)
        return self._headed(samples) if samples else b""

    def finish(self) -> bytes:
        """The last bytes; call it once, and nothing but ``close`` after it."""
        samples = self._resampler.finish()
        self.open()
        if self._stream:
            return self._stream.feed(samples) + self._stream.finish()
        return self._headed(samples)

    def close(self) -> None:
        """Free the codec; twice is harmless."""
        if self._stream:
            self._stream.close()

    def _headed(self, samples: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + samples


class _Outlet:
    """What FFmpeg writes to: it offers nothing but ``write``, so nothing is ever patched backwards."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


class _CodecStream:
    """One encoder and its container."""

    def __init__(self, codec: Codec) -> None:
        self._outlet = _Outlet()
        self._container = av.open(self._outlet, "w", format=codec.container, options=dict(codec.options))
        self._stream = self._container.add_stream(codec.encoder, rate=OUTPUT_RATE, options=dict(codec.encoder_options))
        self._stream.layout = "mono"
        if codec.bit_rate:
            self._stream.bit_rate = codec.bit_rate
        self._stream.codec_context.open()  # else the first samples would
        self._samples = 0
        if codec.bit_rate:  # a sample of silence sets up all that the first sound would wait for; lossless is exact
            self.feed(bytes(SAMPLE_BYTES))
        self._unheard = self._samples

    def feed(self, samples: bytes) -> bytes:
        if samples:
            frame = av.AudioFrame.from_ndarray(np.frombuffer(samples, dtype="<i2")[np.newaxis], "s16", "mono")
            frame.sample_rate = OUTPUT_RATE
            frame.pts = self._samples
            self._samples += frame.samples
            self._container.mux(self._stream.encode(frame))
        return self._outlet.take()

    def finish(self) -> bytes:
        if self._samples > self._unheard or not self._unheard:  # that sample alone is no sound to be written
            self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._outlet.take()

    def close(self) -> None:
        self._container.close()

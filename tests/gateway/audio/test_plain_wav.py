"""Which WAV is plain, its samples, and that its bytes bound the work of decoding it."""

import struct

import numpy as np
import pytest

from gateway.audio.plain_wav import plain_wav

DATA = b"data" + struct.pack("<I", 100_000) + bytes(100_000)
TAGS = b"LIST\x0c\0\0\0INFOISFT\0\0\0\0"
HUGE_TAGS = b"LIST\xff\xff\xff\x7fINFO"
CRUMBS = b"JUNK\0\0\0\0" * 1000


def wav(
    *,
    codec: int = 1,
    channels: int = 1,
    rate: int = 16_000,
    bits: int = 16,
    chunks: bytes = DATA,
    frame_bytes: int | None = None,
) -> bytes:
    frame_bytes = channels * bits // 8 if frame_bytes is None else frame_bytes
    form = struct.pack("<HHIIHH", codec, channels, rate, rate * frame_bytes, frame_bytes, bits)
    return b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + form + chunks


@pytest.mark.parametrize(
    "data",
    [
        wav(),
        wav(rate=8_000),
        wav(channels=2, rate=48_000),
        wav(chunks=TAGS + DATA),
        wav(chunks=DATA + TAGS),
        wav(chunks=b"data\xff\xff\xff\xff" + bytes(100_000)),
        wav(chunks=b"data\0\0\0\0" + bytes(100_000)),
        wav(chunks=DATA + HUGE_TAGS),
    ],
)
def test_what_everybody_records_is_plain(data: bytes) -> None:
    assert plain_wav(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        wav()[:35],
        b"OggS" + bytes(100),
        wav(codec=0x11, bits=4),
        wav(codec=0xFFFE),
        wav(bits=8),
        wav(rate=7_999),
        wav(channels=64),
        wav(chunks=TAGS),
        wav(chunks=HUGE_TAGS + DATA),
        wav(rate=768_001),
        wav(frame_bytes=6),
        wav(chunks=CRUMBS + DATA),
        wav(chunks=DATA + CRUMBS),
        wav().replace(b"WAVEfmt ", b"WAVEJUNK"),
    ],
)
def test_what_may_be_more_work_than_its_size_tells_is_not(data: bytes) -> None:
    assert plain_wav(data) is None


def test_samples_come_as_they_are_and_a_half_one_at_the_end_is_dropped() -> None:
    samples = np.arange(-20_000, 20_000, dtype="<i2").tobytes()
    recording = plain_wav(wav(chunks=b"data\xff\xff\xff\xff" + samples + b"\x01"))
    assert recording is not None
    blocks = list(recording.blocks())
    assert {rate for rate, _ in blocks} == {16_000}
    assert b"".join(pcm for _, pcm in blocks) == samples


def test_the_two_channels_are_averaged() -> None:
    samples = np.tile(np.array([[-32768, -32768], [32767, 32767], [1000, 2001]], "<i2"), (10_000, 1)).tobytes()
    recording = plain_wav(wav(channels=2, chunks=b"data" + struct.pack("<I", len(samples)) + samples))
    assert recording is not None
    mixed = np.frombuffer(b"".join(pcm for _, pcm in recording.blocks()), "<i2")
    assert mixed.tolist() == [-32768, 32767, 1500] * 10_000

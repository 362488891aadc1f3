"""Which WAV is plain: its bytes bound the work of decoding it."""

import struct

import pytest

from gateway.audio import sniff

DATA = b"data" + struct.pack("<I", 100_000) + bytes(100_000)
TAGS = b"LIST\x0c\0\0\0INFOISFT\0\0\0\0"
CRUMBS = b"JUNK\0\0\0\0" * 1000


def wav(codec: int = 1, channels: int = 1, rate: int = 16_000, bits: int = 16, chunks: bytes = DATA) -> bytes:
    form = struct.pack("<HHIIHH", codec, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
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
    ],
)
def test_what_everybody_records_is_plain(data: bytes) -> None:
    assert sniff.is_plain(data)


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
        wav(chunks=b"data\0\0\0\0" + bytes(100_000)),
        wav(chunks=CRUMBS + DATA),
        wav(chunks=DATA + CRUMBS),
        wav().replace(b"WAVEfmt ", b"WAVEJUNK"),
    ],
)
def test_what_may_be_more_work_than_its_size_tells_is_not(data: bytes) -> None:
    assert not sniff.is_plain(data)

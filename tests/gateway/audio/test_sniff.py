"""The length that a file declares is believed where it can be true, and files in crumbs are not read to their end."""

import struct

import pytest

from gateway.audio.sniff import cut_off, demuxer, sound_chunk
from tests.support.recordings import encoded, sound, tone

WAV = sound(tone(1, 16_000))
MP4 = encoded("ipod", "aac")


@pytest.mark.parametrize("missing", [2_000, 16_000, 31_000])
def test_a_length_that_can_be_true_tells_what_is_missing(missing: int) -> None:
    assert not cut_off(WAV, "wav")
    assert cut_off(WAV[:-missing], "wav")


def test_a_twentieth_may_be_missing() -> None:
    assert not cut_off(WAV[:-1_500], "wav")


def test_mp4_is_measured_by_its_boxes() -> None:
    assert demuxer(MP4) == "mov"
    assert not cut_off(MP4, "mov")
    assert cut_off(MP4[: len(MP4) // 2], "mov")


@pytest.mark.parametrize("size", [0, 0x1000_0000, 0x7FFF_F000, 0xFFFF_FFFF])
def test_a_placeholder_reaches_to_the_end(size: int) -> None:
    file = WAV[:12] + b"data" + struct.pack("<I", size) + bytes(100)
    assert sound_chunk(file) == (20, 100)
    assert not cut_off(file, "wav")


def test_millions_of_chunks_and_boxes_are_not_walked() -> None:
    chunks = WAV[:12] + b"JUNK\0\0\0\0" * 200_000
    assert sound_chunk(chunks + WAV[12:]) is None
    assert not cut_off(chunks + b"data\xff\xff\xff\x0f", "wav")
    boxes = struct.pack(">I4s", 8, b"free") * 200_000
    assert not cut_off(boxes + struct.pack(">I4s", 1_000_000, b"mdat"), "mov")


def test_fragments_of_one_frame_each_are_measured_to_the_end() -> None:
    fragment = struct.pack(">I4s", 8, b"moof") + struct.pack(">I4s", 8, b"mdat")
    assert cut_off(fragment * 30_000 + struct.pack(">I4s", 1_000_000, b"mdat"), "mov")

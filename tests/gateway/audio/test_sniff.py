"""The length that a file declares is believed where it can be true, and files in crumbs are not read to their end."""

import struct

import numpy as np
import pytest

from gateway.audio.decode import decode
from gateway.audio.sniff import cut_off, demuxer, sound_chunk
from tests.support.recordings import encoded, sound, tone

MP3 = {rate: encoded("mp3", "mp3", rate=rate, write_xing="0", id3v2_version="0") for rate in (8_000, 22_050, 44_100)}
WAV = sound(tone(1, 16_000))
MP4 = encoded("ipod", "aac")


@pytest.mark.parametrize("rate", MP3)
@pytest.mark.parametrize("before", [b"", bytes(417)])
@pytest.mark.parametrize("missing", [0, 1, 100])
def test_an_mp3_need_not_begin_at_a_frame(rate: int, before: bytes, missing: int) -> None:
    file = before + MP3[rate][missing:]
    assert demuxer(file) == "mp3"
    assert len(b"".join(decode(file, sample_rate=16_000, max_seconds=60))) > 0.8 * len(WAV)


@pytest.mark.parametrize("rate", MP3)
def test_what_is_like_a_frame_is_no_mp3(rate: int) -> None:
    noise = np.random.default_rng(rate).bytes(1_000_000)
    for other in (MP3[rate][:50] + bytes(5_000), bytes(5_000) + MP3[rate], noise):
        assert demuxer(b"-" + other) is None


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

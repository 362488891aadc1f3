"""Whatever is uploaded gives sound or a refusal: valid files of odd shapes, and damaged files of every format.

Each example costs some milliseconds, or a second where it ends a worker process. ``RECORDING_EXAMPLES=10000`` in the
environment tries that many of each kind instead of the few of a usual run.
"""

import asyncio
import os
import struct
from collections.abc import Iterator
from functools import cache

import av
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from adapters.contract.errors import InvalidRequest
from gateway.audio.decoder_pool import DecoderPool
from tests.support.recordings import encoded, sound, tone

RATE = 16_000
MAX_SECONDS = 20

thorough = settings(
    max_examples=int(os.environ.get("RECORDING_EXAMPLES", "60")),
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

CODECS = {
    "wav": "pcm_s16le pcm_u8 pcm_s24le pcm_s32le pcm_s64le pcm_f32le pcm_f64le pcm_alaw pcm_mulaw adpcm_ima_wav"
    " adpcm_ms adpcm_yamaha mp2 libmp3lame",
    "aiff": "pcm_s16be pcm_s8 pcm_s24be pcm_s32be pcm_f32be pcm_f64be pcm_alaw pcm_mulaw",
    "caf": "pcm_s16be pcm_s24le pcm_s32be pcm_f32le pcm_f64le pcm_mulaw pcm_s8 alac adpcm_ima_qt",
    "au": "pcm_s16be pcm_s8 pcm_f32be pcm_f64be pcm_mulaw",
    "matroska": "libopus aac alac flac libmp3lame mp2 tta wavpack pcm_s16be pcm_s24le pcm_f32le pcm_f64le pcm_u8",
    "webm": "libopus",
    "ogg": "libopus flac",
    "mov": "aac alac libmp3lame mp2 pcm_s16be pcm_s24le pcm_f64be pcm_u8 pcm_mulaw adpcm_ima_qt",
    "mp4": "aac alac flac libmp3lame libopus pcm_s16le pcm_f32le",
    "mp3": "libmp3lame",
    "adts": "aac",
    "flac": "flac",
    "mpeg": "mp2",
    "avi": "aac libmp3lame pcm_s16le pcm_f64le pcm_s64le adpcm_ms",
}
SHAPES = [(container, codec) for container, codecs in CODECS.items() for codec in codecs.split()]
LAYOUTS = ("mono", "stereo", "2.1", "3.0", "quad", "5.0", "5.1", "6.1", "7.1", "octagonal", "hexadecagonal")
RATES = (1_000, 4_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000, 384_000, 768_000)
FRAGMENTS = {"movflags": "frag_every_frame+empty_moov"}


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


async def decoded(pool: DecoderPool, data: bytes) -> bytes | None:
    """The sound, ``None`` when it was refused."""
    try:
        pcm = await pool.decode(data, RATE)
    except InvalidRequest:
        return None
    assert len(pcm) <= (MAX_SECONDS + 1) * RATE * 2
    return pcm


@st.composite
def odd_recordings(draw: st.DrawFn) -> tuple[bytes, int, float, float]:
    """A valid file, how many channels it has, how many seconds of sound, and how much of it a codec may add."""
    container, codec = draw(st.sampled_from(SHAPES))
    layout, rate = draw(st.sampled_from(LAYOUTS)), draw(st.sampled_from(RATES))
    seconds = draw(st.sampled_from((0.11, 0.5, 1.0)))
    options = FRAGMENTS if container in {"mov", "mp4"} and draw(st.booleans()) else {}
    try:
        data = encoded(container, codec, layout=layout, rate=rate, seconds=seconds, **options)
    except (av.FFmpegError, ValueError):
        reject()  # the codec or the container has no such shape
    return data, av.AudioLayout(layout).nb_channels, seconds, 4 * 1152 / rate


def test_odd_shapes_are_decoded_or_refused(runner: asyncio.Runner) -> None:
    pool = DecoderPool(max_seconds=MAX_SECONDS)

    @thorough
    @given(odd_recordings())
    def check(recording: tuple[bytes, int, float, float]) -> None:
        data, channels, seconds, added = recording
        pcm = runner.run(decoded(pool, data))
        if channels <= 2:
            assert pcm is not None
            assert len(pcm) / 2 / RATE == pytest.approx(seconds, abs=0.05 + added)

    check()
    runner.run(pool.aclose())


@cache
def seed(number: int) -> bytes:
    container, codec = SHAPES[number % len(SHAPES)]
    return (
        encoded(container, codec, rate=RATE, seconds=0.3)
        if number < len(SHAPES)
        else sound(tone(0.3, RATE), RATE, "OGG", "VORBIS")
    )


NUMBERS = (0, 1, 8, 255, 0x7FFF, 0xFFFF, 0x7FFF_FFF0, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
SIZES = [struct.pack(order, number) for number in NUMBERS for order in ("<I", ">I")]


@st.composite
def damaged_recordings(draw: st.DrawFn) -> bytes:
    """A recording of some format with a few changes, most of them near its beginning; or two of them in one."""
    data = bytearray(seed(draw(st.integers(0, len(SHAPES)))))
    for _ in range(draw(st.integers(1, 6))):
        last = max(0, len(data) - 1)
        at = draw(st.one_of(st.integers(0, min(last, 120)), st.integers(0, last)))
        length = draw(st.integers(1, 200))
        match draw(st.sampled_from(("byte", "size", "cut", "insert", "repeat", "splice"))):
            case "byte":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "size":
                data[at : at + 4] = draw(st.sampled_from(SIZES))
            case "cut":
                del data[at : at + length]
            case "insert":
                data[at:at] = draw(st.binary(max_size=length))
            case "repeat":
                data[at:at] = bytes(data[at : at + length]) * draw(st.integers(1, 1_000))
            case "splice":
                data[at:] = seed(draw(st.integers(0, len(SHAPES))))[at:]
    return bytes(data)


def test_damage_is_decoded_or_refused(runner: asyncio.Runner) -> None:
    pool = DecoderPool(max_seconds=MAX_SECONDS)

    @thorough
    @given(damaged_recordings())
    def check(data: bytes) -> None:
        runner.run(decoded(pool, data))

    check()
    assert runner.run(decoded(pool, encoded("webm", "libopus", rate=48_000)))
    runner.run(pool.aclose())

"""Whatever is uploaded gives sound or a refusal: valid files of odd shapes, and damaged files of every format.

Each example costs some milliseconds, or a second where it ends a worker process. ``RECORDING_EXAMPLES=10000`` in the
environment tries that many of each kind instead of the few of a usual run.
"""

import asyncio
import os
import struct
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

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
KINDS = [(container, codec) for container, codecs in CODECS.items() for codec in codecs.split()]
LAYOUTS = ("mono", "stereo", "2.1", "3.0", "quad", "5.0", "5.1", "6.1", "7.1", "octagonal", "hexadecagonal")
RATES = (1_000, 4_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000, 384_000, 768_000)
FRAGMENTS = {"movflags": "frag_every_frame+empty_moov"}


Decode = Callable[[bytes], bytes | None]


@pytest.fixture
def decode() -> Iterator[Decode]:
    """The sound in a file, ``None`` when it is refused; anything else is an error."""
    pool = DecoderPool(max_seconds=MAX_SECONDS)

    async def decoded(data: bytes) -> bytes | None:
        try:
            return await pool.decode(data, RATE)
        except InvalidRequest:
            return None

    with asyncio.Runner() as runner:
        yield lambda data: runner.run(decoded(data))
        runner.run(pool.aclose())


class Shape(NamedTuple):
    """What a valid recording is like."""

    container: str
    codec: str
    layout: str
    rate: int
    seconds: float
    fragmented: bool

    def file(self) -> bytes:
        options = FRAGMENTS if self.fragmented and self.container in {"mov", "mp4"} else {}
        try:
            return encoded(
                self.container, self.codec, layout=self.layout, rate=self.rate, seconds=self.seconds, **options
            )
        except (av.FFmpegError, ValueError):
            reject()  # the codec or the container has no such shape


shapes = st.builds(
    lambda kind, *rest: Shape(*kind, *rest),
    st.sampled_from(KINDS),
    st.sampled_from(LAYOUTS),
    st.sampled_from(RATES),
    st.sampled_from((0.3, 0.5, 1.0)),
    st.booleans(),
)


def test_odd_shapes_are_decoded_or_refused(decode: Decode) -> None:
    @thorough
    @given(shapes)
    def check(shape: Shape) -> None:
        pcm = decode(shape.file())
        if av.AudioLayout(shape.layout).nb_channels <= 2:
            assert pcm is not None
            # Codecs add frames of silence at both ends.
            assert len(pcm) / 2 / RATE == pytest.approx(shape.seconds, abs=0.05 + 4 * 1152 / shape.rate)

    check()


@cache
def seed(number: int) -> bytes:
    if number == len(KINDS):
        return sound(tone(0.3, RATE), RATE, "OGG", "VORBIS")
    container, codec = KINDS[number]
    return encoded(container, codec, rate=RATE, seconds=0.3)


NUMBERS = (0, 1, 8, 255, 0x7FFF, 0xFFFF, 0x7FFF_FFF0, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
SIZES = [struct.pack(order, number) for number in NUMBERS for order in ("<I", ">I")]
SEEDS = st.integers(0, len(KINDS))

damages = st.one_of(
    st.tuples(st.just("write"), st.one_of(st.sampled_from(SIZES), st.binary(min_size=1, max_size=2))),
    st.tuples(st.just("cut"), st.integers(1, 200)),
    st.tuples(st.just("insert"), st.binary(max_size=100)),
    st.tuples(st.just("repeat"), st.tuples(st.integers(1, 200), st.integers(1, 1_000))),
    st.tuples(st.just("splice"), SEEDS),
)
places = st.one_of(st.integers(0, 120), st.integers(0, 40_000))
"""Most damage is done near the beginning, where the headers are."""


def damaged(data: bytearray, at: int, damage: tuple[str, Any]) -> None:
    match damage:
        case "write", values:
            data[at : at + len(values)] = values
        case "cut", length:
            del data[at : at + length]
        case "insert", values:
            data[at:at] = values
        case "repeat", (length, times):
            data[at:at] = bytes(data[at : at + length]) * times
        case "splice", number:
            data[at:] = seed(number)[at:]


def test_damage_is_decoded_or_refused(decode: Decode) -> None:
    @thorough
    @given(SEEDS, st.lists(st.tuples(places, damages), min_size=1, max_size=6))
    def check(number: int, changes: list[tuple[int, tuple[str, Any]]]) -> None:
        data = bytearray(seed(number))
        for place, damage in changes:
            damaged(data, place % (len(data) + 1), damage)
        pcm = decode(bytes(data))
        assert pcm is None or len(pcm) <= (MAX_SECONDS + 1) * RATE * 2

    check()
    assert decode(encoded("webm", "libopus", rate=48_000))

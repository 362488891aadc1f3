"""G.711 against ffmpeg's, and what a round trip may cost."""

import shutil
import subprocess

import numpy as np
import pytest

from gateway.realtime.hearing import g711
from gateway.realtime.hearing.g711 import Law

ALL_SAMPLES = np.arange(-32_768, 32_768).astype("<i2")
ALL_CODES = bytes(range(256))
NAMES: dict[Law, str] = {"mu": "mulaw", "a": "alaw"}

laws = pytest.mark.parametrize("law", ["mu", "a"])
with_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")


def ffmpeg(data: bytes, source: str, target: str) -> bytes:
    command = ["ffmpeg", "-v", "error", "-f", source, "-ar", "8000", "-ac", "1", "-i", "-", "-f", target, "-"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def linear(codes: bytes, law: Law) -> list[int]:
    values: list[int] = np.frombuffer(g711.decode(codes, law), "<i2").astype(int).tolist()
    return values


@with_ffmpeg
@laws
def test_every_code_means_what_it_means_to_ffmpeg(law: Law) -> None:
    assert g711.decode(ALL_CODES, law) == ffmpeg(ALL_CODES, NAMES[law], "s16le")


@with_ffmpeg
@laws
def test_no_sample_is_worse_than_with_ffmpeg(law: Law) -> None:
    ours = np.array(linear(g711.encode(ALL_SAMPLES.tobytes(), law), law))
    theirs = np.array(linear(ffmpeg(ALL_SAMPLES.tobytes(), "s16le", NAMES[law]), law))
    assert (np.abs(ours - ALL_SAMPLES) <= np.abs(theirs - ALL_SAMPLES)).all()


@laws
def test_decoding_and_encoding_again_gives_the_same_values(law: Law) -> None:
    again = g711.encode(g711.decode(ALL_CODES, law), law)
    assert linear(again, law) == linear(ALL_CODES, law)


def test_silence_is_the_code_that_telephones_send() -> None:
    assert g711.encode(bytes(4), "mu") == b"\xff\xff"
    assert g711.encode(bytes(4), "a") == b"\xd5\xd5"
    assert g711.encode(b"", "mu") == g711.decode(b"", "a") == b""


def test_the_loudest_is_clipped() -> None:
    loudest = np.array([32_767, -32_768], "<i2").tobytes()
    assert linear(g711.encode(loudest, "mu"), "mu") == [32_124, -32_124]
    assert linear(g711.encode(loudest, "a"), "a") == [32_256, -32_256]

"""A whole answer is a file that says how long it is, for readers that trust their headers."""

import io

import pytest
import soundfile

from gateway.audio.encode import OUTPUT_RATE
from gateway.audio.whole_file import LENGTH_IN_HEADER, whole_file
from tests.support.recordings import tone


@pytest.mark.parametrize("name", LENGTH_IN_HEADER)
def test_the_header_says_how_long_it_is(name: str) -> None:
    samples = tone(0.5, OUTPUT_RATE)
    file = whole_file(samples.tobytes(), name)
    info = soundfile.info(io.BytesIO(file))
    assert (info.format, info.frames, info.samplerate) == (name.upper(), OUTPUT_RATE // 2, OUTPUT_RATE)
    assert (soundfile.read(io.BytesIO(file), dtype="int16")[0] == samples).all()
    assert b"\xff\xff\xff\xff" not in file[:44]

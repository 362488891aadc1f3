"""Makes the file of a whole answer, whose header says how long it is; a stream cannot know that."""

import io

import numpy as np
import soundfile

from gateway.audio.encode import OUTPUT_RATE

LENGTH_IN_HEADER = ("wav", "flac")
"""Formats whose header says how long they are: made of the samples when all of them are there."""


def whole_file(pcm: bytes, name: str) -> bytes:
    """``pcm`` (s16le mono at ``OUTPUT_RATE``) as a file of one of the formats ``LENGTH_IN_HEADER``."""
    file = io.BytesIO()
    soundfile.write(file, np.frombuffer(pcm, "<i2"), OUTPUT_RATE, format=name.upper(), subtype="PCM_16")
    return file.getvalue()

"""Writes the form of ``POST /audio/transcriptions`` and ``/audio/translations``."""

import io
import struct
from typing import Any, Literal

import msgspec
import numpy as np
import soundfile

from adapters.contract import stt
from adapters.contract.audio import SAMPLE_BYTES
from adapters.upstream import Upload

SAMPLE_RATE = 16_000

_WAV = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM, _CHANNELS = 1, 1

Detail = Literal["wanted times", "times", "streamed", "plain"]
"""Whether the answer has times and the language (``verbose_json``), or is text alone, in events or whole."""


def path(request: stt.Request) -> str:
    """Where the request goes."""
    return "/audio/translations" if request.translate else "/audio/transcriptions"


def fields(request: stt.Request, model: str, detail: Detail) -> dict[str, Any]:
    """The fields of the form, without the file."""
    granularities = [
        name for name, asked in (("word", request.word_times), ("segment", request.segment_times)) if asked
    ]
    given: dict[str, Any] = {
        "model": model,
        "language": None if request.translate else request.language,
        "prompt": request.prompt or None,
        "temperature": request.temperature,
        "response_format": "verbose_json" if "times" in detail else "json",
        "timestamp_granularities": granularities or None,
        "stream": True if detail == "streamed" else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def wav(pcm: bytes) -> Upload:
    """The recording (s16le mono at 16 kHz) as it is, with a header."""
    size = len(pcm) // SAMPLE_BYTES * SAMPLE_BYTES
    header = _WAV.pack(
        *(b"RIFF", 36 + size, b"WAVE"),
        *(b"fmt ", 16, _PCM, _CHANNELS, SAMPLE_RATE, SAMPLE_RATE * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES),
        *(b"data", size),
    )
    return Upload(name="audio.wav", content_type="audio/wav", data=header + pcm[:size])


def flac(pcm: bytes) -> Upload:
    """The recording (s16le mono at 16 kHz) at half the size; takes half a millisecond for a second of it."""
    file = io.BytesIO()
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")
    soundfile.write(file, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return Upload(name="audio.flac", content_type="audio/flac", data=file.getvalue())


def with_own_field(param: str | None, request: stt.Request) -> str | None:
    """The field of ``stt.Request`` for a field of the form that a server's refusal names."""
    times = "word_times" if request.word_times else "segment_times"
    names = {"file": "audio", "timestamp_granularities": times, "response_format": times}
    field = (param or "").partition("[")[0]
    field = names.get(field, field)
    return field if field in {each.name for each in msgspec.structs.fields(stt.Request)} else None

"""What is sent: fields, and the recording as a file that is read back bit by bit."""

import io
from collections.abc import AsyncIterator
from typing import Any, Literal

import numpy as np
import pytest
import soundfile

from adapters.contract import stt
from adapters.stt.openai import request as form


async def nothing() -> AsyncIterator[bytes]:
    yield b""


def asking(**wanted: Any) -> stt.Request:
    return stt.Request(audio=nothing(), **wanted)


@pytest.mark.parametrize("container", ["flac", "wav"])
def test_the_upload_is_the_recording(container: Literal["flac", "wav"]) -> None:
    pcm = (np.sin(np.arange(16_000) / 20) * 20_000).astype("<i2").tobytes()
    write = form.flac if container == "flac" else form.wav
    upload = write(pcm + b"\0")  # half a sample is no sample
    assert (upload.name, upload.content_type) == (f"audio.{container}", f"audio/{container}")
    samples, rate = soundfile.read(io.BytesIO(upload.data), dtype="int16")
    assert (samples.tobytes(), rate) == (pcm, 16_000)
    if container == "flac":
        assert len(upload.data) < len(pcm) / 2


@pytest.mark.parametrize(
    ("request_", "detail", "fields"),
    [
        (asking(), "plain", {"response_format": "json"}),
        (asking(language="de", prompt=""), "streamed", {"language": "de", "response_format": "json", "stream": True}),
        (
            asking(prompt="Ada", temperature=0.0, word_times=True, segment_times=True),
            "wanted times",
            {
                "prompt": "Ada",
                "temperature": 0.0,
                "response_format": "verbose_json",
                "timestamp_granularities": ["word", "segment"],
            },
        ),
        (asking(language="de", translate=True), "plain", {"response_format": "json"}),
    ],
)
def test_fields(request_: stt.Request, detail: form.Detail, fields: dict[str, Any]) -> None:
    assert form.fields(request_, "m", detail) == {"model": "m", **fields}
    assert form.path(request_) == ("/audio/translations" if request_.translate else "/audio/transcriptions")


@pytest.mark.parametrize(
    ("param", "own"),
    [
        *[("file", "audio"), ("language", "language"), ("prompt", "prompt"), ("temperature", "temperature")],
        *[("timestamp_granularities[]", "segment_times"), ("model", None), ("", None), (None, None)],
    ],
)
def test_a_field_of_the_form_is_one_of_the_contract(param: str | None, own: str | None) -> None:
    assert form.with_own_field(param, asking(segment_times=True)) == own

"""The recording and the images of a request are found wherever they are."""

import base64
from typing import Any

import pytest
from litestar.exceptions import HTTPException

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.http import form
from gateway.http.form import Fields, Upload
from gateway.http.media import images_of, recording_of
from gateway.wire.audio import InputAudio

WAV = Upload(data=b"RIFF", content_type="audio/wav")
PNG = Upload(data=b"\x89PNG", content_type="image/png")
INLINE = llm.Image(url="data:image/png;base64," + base64.b64encode(b"\x89PNG").decode())


def fields(*files: Upload, **values: Any) -> Fields:
    return Fields(values=values, uploads={"file": list(files)} if files else {}, textual=True, size=0)


def test_the_recording_is_the_file_or_the_base64() -> None:
    in_json = InputAudio(data=base64.b64encode(b"ID3").decode())
    assert recording_of(fields(WAV), "file", None) == b"RIFF"
    assert recording_of(fields(), "file", in_json) == b"ID3"
    assert recording_of(fields(WAV), "file", in_json) == b"RIFF"
    assert recording_of(fields(), "file", None) is None


@pytest.mark.parametrize("sent", [fields(WAV, WAV), fields(file="UklGRg==")])
def test_several_files_or_text_are_refused(sent: Fields) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        recording_of(sent, "file", None)
    assert refusal.value.param == "audio"


def test_base64_of_too_large_a_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "MAX_AUDIO_BYTES", 3)
    with pytest.raises(HTTPException) as refusal:
        recording_of(fields(), "file", InputAudio(data="UklGRg=="))
    assert refusal.value.status_code == 413


def test_images_come_by_address_and_as_files() -> None:
    one, two = "https://example.com/1.png", "data:image/png;base64,AAAA"
    assert images_of(one, []) == (llm.Image(url=one),)
    assert images_of([one, two], []) == (llm.Image(url=one), llm.Image(url=two))
    assert images_of(None, [PNG, PNG]) == (INLINE, INLINE)
    assert images_of(one, [PNG]) == (llm.Image(url=one), INLINE)
    assert images_of(None, []) == ()

"""A recording in base64 is whole, or refused in one sentence."""

import base64

import pytest

from adapters.contract.errors import InvalidRequest
from gateway.wire.audio import InputAudio, VoiceId, recording_in, voice_name


def test_base64_in_lines_is_the_recording() -> None:
    wrapped = base64.encodebytes(bytes(200)).decode()
    assert recording_in(InputAudio(data=wrapped.replace("\n", "\r\n"))) == bytes(200)
    assert recording_in(InputAudio(data="")) == b""


def test_base64_in_a_data_url_is_the_recording() -> None:
    assert recording_in(InputAudio(data="data:audio/wav;base64,UklGRg==")) == b"RIFF"


@pytest.mark.parametrize("broken", ["UklGR", "U", "UklGRg=a", "_-8=", "höhö", "data:audio/wav,UklGRg==", "data:"])
def test_broken_base64_is_told_in_one_sentence_that_fits(broken: str) -> None:
    with pytest.raises(InvalidRequest, match="not valid base64") as refusal:
        recording_in(InputAudio(data=broken))
    assert refusal.value.param == "input_audio.data"


def test_a_voice_is_named_in_two_ways() -> None:
    assert voice_name("nova") == voice_name(VoiceId(id="nova")) == "nova"
    assert voice_name(None) is None

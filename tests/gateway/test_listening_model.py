"""``--stt none``: the model hears the recording itself."""

import io
from typing import Any

import httpx
import pytest
import soundfile

from adapters.contract import llm
from adapters.options import BadOption
from adapters.vad.energy import Energy
from gateway.engines.build import build
from gateway.settings.load import load
from tests.support.server import events_in, gateway_of, question, scripted_engines, served

ROUTE = "/v1/audio/speech-to-speech"


async def test_the_recording_goes_to_the_model_and_there_is_no_transcript() -> None:
    engines = scripted_engines(stt=None, vad=Energy(Energy.Options()))
    model: Any = engines.llm
    async with served(gateway_of(engines)) as address, httpx.AsyncClient(base_url=address) as client:
        response = await client.post(ROUTE, files={"file": question()}, data={"stream_format": "sse"})
    assert response.status_code == 200
    assert "x-transcript" not in response.headers
    types = [event["type"] for event in events_in(response.text)]
    assert "transcript.text.done" not in types
    assert types[-1] == "speech.audio.done"
    (recording,) = model.requests[0].messages[-1].parts
    assert isinstance(recording, llm.Audio)
    assert recording.format == "wav"
    samples, rate = soundfile.read(io.BytesIO(recording.data))
    assert rate == 16_000
    assert len(samples) / rate == pytest.approx(len(soundfile.read(io.BytesIO(question()))[0]) / 16_000, abs=0.01)


async def test_silence_is_not_sent_to_the_model() -> None:
    silence = io.BytesIO()
    soundfile.write(silence, [0.0] * 16_000, 16_000, format="WAV")
    engines = scripted_engines(stt=None, vad=Energy(Energy.Options()))
    model: Any = engines.llm
    async with served(gateway_of(engines)) as address, httpx.AsyncClient(base_url=address) as client:
        response = await client.post(ROUTE, files={"file": silence.getvalue()})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "no_speech")
    assert model.opened == 0


def test_a_backend_that_takes_no_audio_refuses_at_the_start() -> None:
    with pytest.raises(BadOption, match="--stt none needs a model that takes audio, and --llm_backend echo takes none"):
        build(load(["--stt", "none"], {}))

"""The formats of a session, and speech on its way out in each of them without a seam."""

import numpy as np
import pytest

from gateway.realtime.hearing.audio_format import FORMATS, AudioType, OutputAudio


def tone(rate: int, seconds: float = 0.5) -> bytes:
    times = np.arange(round(rate * seconds)) / rate
    return (np.sin(2 * np.pi * 440 * times) * 10_000).astype("<i2").tobytes()


def test_sizes_and_durations() -> None:
    assert FORMATS["audio/pcm"].size(20) == 960
    assert FORMATS["audio/pcmu"].size(20) == FORMATS["audio/pcma"].size(20) == 160
    assert FORMATS["audio/pcm"].size(20.01) == 960, "whole samples"
    assert FORMATS["audio/pcm"].milliseconds(960) == FORMATS["audio/pcmu"].milliseconds(160) == 20


def test_a_whole_recording_at_another_rate() -> None:
    telephone = FORMATS["audio/pcmu"]
    heard = np.frombuffer(telephone.pcm(telephone.encode(tone(8_000)), 16_000), "<i2").astype(float)
    ideal = np.frombuffer(tone(16_000), "<i2").astype(float)
    assert len(heard) == len(ideal)
    assert np.abs(heard - ideal)[400:-400].max() < 320


def test_pcm_is_as_it_is() -> None:
    assert FORMATS["audio/pcm"].decode(b"\1\2") == FORMATS["audio/pcm"].encode(b"\1\2") == b"\1\2"


@pytest.mark.parametrize("audio_type", ["audio/pcm", "audio/pcmu", "audio/pcma"])
@pytest.mark.parametrize("size", [2, 882, 4410, 1_000_000])
def test_speech_has_no_seam_however_the_engine_cuts_it(audio_type: AudioType, size: int) -> None:
    form, speech = FORMATS[audio_type], tone(22_050)
    output = OutputAudio(22_050, form)
    pieces = [output.feed(speech[start : start + size]) for start in range(0, len(speech), size)]
    sent = b"".join([*pieces, output.finish()])
    assert form.milliseconds(len(sent)) == pytest.approx(500, abs=1)
    heard = np.frombuffer(form.decode(sent), "<i2").astype(float)
    ideal = np.frombuffer(tone(form.rate), "<i2").astype(float)[: len(heard)]
    middle = slice(400, -400)  # the filter swings in and out
    coarse = 0 if form.law is None else 300  # what G.711 rounds off at this level
    assert np.abs(heard[: len(ideal)] - ideal)[middle].max() < 20 + coarse

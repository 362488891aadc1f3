"""What is added to the library's samples: very slow speech, and edges without clicks."""

import numpy as np
import pytest

from adapters.tts.espeak import library, speech


@pytest.mark.parametrize("tempo", [0.55, 0.7, 0.9])
def test_slow_speech_takes_longer_at_the_same_pitch(tempo: float) -> None:
    wave = (np.sin(np.arange(22_050 * 2) / 22_050 * 2 * np.pi * 440) * 9_000).astype("<i2")
    slow = np.frombuffer(speech.slow_down(wave.tobytes(), tempo), "<i2")
    assert len(slow) == pytest.approx(len(wave) / tempo, rel=0.05)
    loudest = np.argmax(np.abs(np.fft.rfft(slow.astype(float)))) * 22_050 / len(slow)
    assert loudest == pytest.approx(440, abs=3)


@pytest.mark.parametrize("speed", [0.25, 1.0, 4.0])
def test_clips_begin_and_end_without_a_click(speed: float) -> None:
    pcm = library.synthesise("Apples", "gmw/en-US", speed)
    faded = np.frombuffer(speech.faded(pcm), "<i2")
    assert abs(int(faded[0])) < 50
    assert abs(int(faded[-1])) < 50
    assert np.array_equal(faded[100:-100], np.frombuffer(pcm, "<i2")[100:-100])


@pytest.mark.parametrize("samples", [0, 1, 2, 3])
def test_next_to_nothing_can_be_faded(samples: int) -> None:
    assert len(speech.faded(b"\x00\x10" * samples)) == 2 * samples


def test_chunks_are_forty_milliseconds() -> None:
    pcm = bytes(4_000)
    assert [len(chunk) for chunk in speech.chunks(pcm)] == [1764, 1764, 472]

"""What is done to the samples of engines: another tempo, edges without clicks, chunks, whole numbers."""

import numpy as np
import pytest

from adapters.tts import waveform
from tests.support.workers import speech

RATE = 22_050


@pytest.mark.parametrize("tempo", [0.25, 0.7, 0.9, 1.5, 4.0])
def test_another_tempo_changes_the_length_and_keeps_the_pitch(tempo: float) -> None:
    wave = (np.sin(np.arange(22_050 * 2) / 22_050 * 2 * np.pi * 440) * 9_000).astype("<i2")
    other = np.frombuffer(waveform.at_tempo(wave.tobytes(), tempo, RATE), "<i2")
    assert len(other) == pytest.approx(len(wave) / tempo, rel=0.05)
    loudest = np.argmax(np.abs(np.fft.rfft(other.astype(float)))) * 22_050 / len(other)
    assert loudest == pytest.approx(440, abs=3)


@pytest.mark.parametrize("speed", [0.25, 1.0, 4.0])
def test_clips_begin_and_end_without_a_click(speed: float) -> None:
    pcm = speech("Apples", "gmw/en-US", speed)
    faded = np.frombuffer(waveform.faded(pcm, RATE), "<i2")
    assert abs(int(faded[0])) < 50
    assert abs(int(faded[-1])) < 50
    assert np.array_equal(faded[100:-100], np.frombuffer(pcm, "<i2")[100:-100])


@pytest.mark.parametrize("samples", [0, 1, 2, 3])
def test_next_to_nothing_can_be_faded(samples: int) -> None:
    assert len(waveform.faded(b"\x00\x10" * samples, RATE)) == 2 * samples


@pytest.mark.parametrize("sizes", [[5_000], [1, 2, 3, 200, 5_000], [40, 40], [30, 0, 100], [44, 44, 1], []])
def test_sound_in_pieces_is_faded_as_the_whole(sizes: list[int]) -> None:
    fade, waves = waveform.Fade(RATE), [np.full(size, 9_000, "<i2").tobytes() for size in sizes]
    pieces = [fade.feed(wave) for wave in waves]
    assert b"".join([*pieces, fade.end()]) == waveform.faded(b"".join(waves), RATE)


def test_chunks_are_forty_milliseconds() -> None:
    pcm = bytes(4_000)
    assert [len(chunk) for chunk in waveform.chunks(pcm, RATE)] == [1764, 1764, 472]


def test_floats_become_samples_and_what_is_too_loud_or_no_number_does_no_harm() -> None:
    pcm = waveform.of_floats(np.array([0.0, 0.5, 2.0, -2.0, np.nan, np.inf], np.float32))
    assert np.frombuffer(pcm, "<i2").tolist() == [0, 16_383, 32_767, -32_767, 0, 32_767]

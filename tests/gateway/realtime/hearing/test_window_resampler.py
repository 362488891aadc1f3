"""The resampler of windows: tones stay, those above the band go, and nothing is heard where two windows meet."""

import numpy as np
import numpy.typing as npt
import pytest

from gateway.realtime.hearing.window_resampler import WindowResampler

RATE = 16_000


def tone(hertz: float, rate: int) -> npt.NDArray[np.int16]:
    return (np.sin(2 * np.pi * hertz * np.arange(rate) / rate) * 20_000).astype("<i2")


def streamed(resampler: WindowResampler, *streams: npt.NDArray[np.int16]) -> list[npt.NDArray[np.float64]]:
    """Each of the ``streams`` at the target rate, window by window, all of them at once."""
    spans = np.pad(np.stack(streams), ((0, 0), (resampler.history, 0)))
    blocks = [
        resampler.resample(spans[:, start : start + resampler.history + resampler.window])
        for start in range(0, len(streams[0]) - resampler.window + 1, resampler.window)
    ]
    return [np.concatenate([block[number] for block in blocks]).astype(float) for number in range(len(streams))]


def shifted(resampler: WindowResampler, hertz: float, source: int, count: int) -> npt.NDArray[np.float64]:
    """What an ideal resampler gives of the tone, as late as this one is."""
    times = np.arange(count) / RATE - resampler.history / 2 / source
    return np.asarray(np.sin(2 * np.pi * hertz * times) * 20_000)


@pytest.mark.parametrize("source", [8_000, 16_000, 24_000, 48_000])
def test_tones_of_speech_pass_without_a_seam(source: int) -> None:
    resampler = WindowResampler(source, RATE)
    low, high = streamed(resampler, tone(300, source), tone(3000, source))
    assert len(low) == RATE // 512 * 512
    for heard, hertz in ((low, 300), (high, 3000)):
        error = heard - shifted(resampler, hertz, source, len(heard))
        assert np.abs(error[512:]).max() < 40, f"{hertz} Hz"


@pytest.mark.parametrize("hertz", [9_500, 11_000])
def test_what_would_fold_back_is_taken_out(hertz: int) -> None:
    (heard,) = streamed(WindowResampler(24_000, RATE), tone(hertz, 24_000))
    assert np.abs(heard[512:]).max() < 60


def test_it_is_late_by_little_more_than_a_millisecond() -> None:
    assert WindowResampler(24_000, RATE).history / 2 / 24_000 < 0.0015
    assert WindowResampler(8_000, RATE).history / 2 / 8_000 < 0.0025
    assert WindowResampler(RATE, RATE).history == 0


def test_the_loudest_is_clipped_and_does_not_wrap() -> None:
    square = np.where(np.arange(24_000) // 40 % 2, 32_767, -32_768).astype("<i2")
    resampler = WindowResampler(24_000, RATE)
    (heard,) = streamed(resampler, square)
    assert heard.max() == 32_767
    assert heard.min() == -32_768
    late = resampler.history / 2 / 24_000 * RATE
    plateaus = [round((index + 0.5) * 40 * RATE / 24_000 + late) for index in range(1, 500)]
    assert (np.sign(heard[plateaus]) == np.where(np.arange(1, 500) % 2, 1, -1)).all()


def test_rates_without_whole_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="22050"):
        WindowResampler(22_050, RATE)

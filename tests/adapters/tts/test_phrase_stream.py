"""A text spoken phrase by phrase: its events, speeds and edges, whatever says the phrases."""

import av
import numpy as np
import pytest

from adapters.contract import tts
from adapters.contract.checks import read, tts_grammar
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from adapters.tts import waveform
from adapters.tts.phrase_stream import spoken

RATE = 16_000


class Voice:
    """Makes 10 ms of a loud tone of each character, divided by the speed."""

    def __init__(self) -> None:
        self.said: list[tuple[str, float]] = []

    async def speak(self, text: str, speed: float) -> bytes:
        self.said.append((text, speed))
        return waveform.of_floats(0.3 * np.cos(np.arange(round(len(text) * RATE / 100 / speed)) * 0.2))

    async def events(self, text: str, **request: object) -> list[tts.Event]:
        asked = tts.Request(text=text, **request)  # type: ignore[arg-type]
        found = list(await read(spoken(asked, self.speak, sample_rate=RATE, adapter="tone")))
        tts_grammar(found)
        return found


async def test_phrases_follow_one_another() -> None:
    voice = Voice()
    started, *chunks, finished = await voice.events("One sentence here. ... Another sentence here.")
    assert started == Started()
    assert voice.said == [("One sentence here. ", 1.0), ("... Another sentence here.", 1.0)]
    pcm = b"".join(chunk.pcm for chunk in chunks if isinstance(chunk, tts.AudioChunk))
    assert isinstance(finished, tts.Finished)
    assert (round(finished.seconds, 6), finished.characters) == (0.45, 45)
    samples = np.frombuffer(pcm, "<i2").astype(int)
    join = 19 * RATE // 100
    assert abs(samples[join - 1]) + abs(samples[join]) < 1_200 < np.abs(samples).max(), "the edges are soft"


@pytest.mark.parametrize(("speed", "asked"), [(0.25, 0.5), (0.5, 0.5), (1.5, 1.5), (4.0, 1.5)])
async def test_speeds_beyond_the_model_s_are_made_by_stretching(speed: float, asked: float) -> None:
    voice = Voice()
    *_, finished = await voice.events("a" * 90 + ".", speed=speed)
    assert isinstance(finished, tts.Finished)
    assert finished.seconds == pytest.approx(0.91 / speed, rel=0.15)
    assert voice.said[0][1] == asked


async def test_what_cannot_be_sent_is_replaced_and_what_has_no_effect_is_named() -> None:
    voice = Voice()
    started, *_ = await voice.events("a\0b\ud800", instructions="sadly")
    assert started == Started(ignored=("instructions",))
    assert voice.said == [("a b?", 1.0)]


@pytest.mark.parametrize("text", ["", "...", "—", "?! 🙂"])
async def test_what_has_nothing_to_say_is_not_spoken(text: str) -> None:
    voice = Voice()
    assert await voice.events(text) == [Started(), tts.Finished(seconds=0.0, characters=len(text))]
    assert voice.said == []


async def test_audio_that_cannot_be_stretched(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise av.FFmpegError(1, "no")

    monkeypatch.setattr(waveform, "at_tempo", fail)
    with pytest.raises(UpstreamError, match="could not be made faster or slower"):
        await Voice().events("Hello.", speed=4.0)

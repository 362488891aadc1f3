"""Trials: an engine speaks or hears one real sentence, as the route's settings say."""

from typing import Any

import pytest

from adapters import registry, scripted
from adapters.contract import stt
from adapters.contract.errors import AdapterError, Unsupported
from gateway.engines.automatic import SENTENCE
from gateway.engines.trials import hearing_trial, speaking_trial
from gateway.settings.load import load


def settings(*flags: str) -> Any:
    return load(flags, {}).routes[0].settings


async def test_speaking_takes_voice_speed_and_language_of_the_route() -> None:
    voice = scripted.synthesiser()
    seconds = await speaking_trial(settings("--voice", "hum", "--speed", "1.5", "--language", "de"))(voice)
    request = voice.requests[-1]
    assert (request.text, request.voice, request.speed, request.language) == (SENTENCE, "hum", 1.5, "de")
    assert seconds == pytest.approx(max(1, round(len(SENTENCE) * 0.02 / 0.04)) * 0.04)


async def test_a_voice_that_the_engine_lacks_is_refused() -> None:
    with pytest.raises(AdapterError, match="nobody"):
        await speaking_trial(settings("--voice", "nobody"))(scripted.synthesiser())


async def test_hearing_hears_the_sentence_at_the_rate_of_the_engine() -> None:
    heard = []

    async def script(request: stt.Request) -> Any:
        heard.append(b"".join([block async for block in request.audio]))
        yield stt.FinalTranscript(text="")
        yield stt.Finished(language="en", seconds=1.0)

    ears: Any = scripted.Scripted(stt.Info(sample_rate=8_000), script)
    voice = registry.build("tts", "espeak", settings())
    seconds = await hearing_trial(settings(), voice)(ears)
    assert seconds == pytest.approx(len(heard[0]) / 16_000)
    assert 2 < seconds < 10
    assert any(heard[0])
    assert await hearing_trial(settings(), None)(ears) == 4.0


async def test_a_language_that_the_engine_lacks_is_refused() -> None:
    ears: Any = scripted.recogniser("hello")
    ears.info = stt.Info(sample_rate=16_000, languages=("en",))
    await hearing_trial(settings("--language", "en"), None)(ears)
    with pytest.raises(Unsupported, match="'de'"):
        await hearing_trial(settings("--language", "de"), None)(ears)

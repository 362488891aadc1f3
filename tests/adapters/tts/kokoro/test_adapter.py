"""Kokoro with a real model: it speaks, mixes voices, keeps to speeds and joins without clicks."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from adapters.contract import tts
from adapters.contract.errors import InvalidRequest, Unavailable
from adapters.options import BadOption
from adapters.tts.kokoro.adapter import Kokoro
from tests.adapters.tts.kokoro.test_model_files import model
from tests.support.synthesis import edges_of_phrases, events, speak

RATE = 24_000

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(real_model: Callable[[str], Path]) -> AsyncIterator[Kokoro]:
    async with aclosing(Kokoro(Kokoro.Options(tts_model=str(real_model("kokoro"))))) as synthesiser:
        synthesiser.preflight()
        await synthesiser.warm_up()
        yield synthesiser


async def test_info_is_that_of_the_files(engine: Kokoro) -> None:
    assert engine.info.default_voice == "jf_alpha"
    assert engine.info.voice_languages == dict.fromkeys(engine.info.voices, "ja")


async def test_phrases_join_without_a_click_and_with_a_pause(engine: Kokoro) -> None:
    request = tts.Request(text="This is one sentence here. And this is another one.", language="en")
    chunks = [event for event in await events(engine, request) if isinstance(event, tts.AudioChunk)]
    samples = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2")
    assert 2 < len(samples) / RATE < 6
    assert set(edges_of_phrases(chunks)) == {0}
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 300)
    assert 0.2 < np.diff(loud).max() / RATE < 0.6


async def test_voices_are_mixed(engine: Kokoro) -> None:
    one, other, both = [
        await speak(engine, "Good morning.", voice=name, language="en")
        for name in ("jf_alpha", "jm_kumo", "jf_alpha+jm_kumo")
    ]
    for alone in (one, other):
        assert len(both) != len(alone) or not np.allclose(both, alone, atol=500)


@pytest.mark.parametrize("speed", [0.5, 4.0])
async def test_the_speed_is_kept(engine: Kokoro, speed: float) -> None:
    text = "The quick brown fox jumps over the lazy dog."
    normal, other = [len(await speak(engine, text, speed=each, language="en")) for each in (1.0, speed)]
    assert other / normal == pytest.approx(1 / speed, rel=0.25)


async def test_an_unknown_voice_names_the_choices(engine: Kokoro) -> None:
    with pytest.raises(InvalidRequest, match="jf_alpha, jf_gongitsune"):
        engine.check(tts.Request(text="Hello.", voice="af_nobody"))


async def test_a_damaged_model_is_named_when_it_is_loaded(tmp_path: Path) -> None:
    pytest.importorskip("kokoro_onnx", reason="needs kokoro_onnx")
    async with aclosing(Kokoro(Kokoro.Options(tts_model=str(model(tmp_path))))) as engine:
        engine.preflight()
        with pytest.raises(Unavailable, match=r"kokoro\.onnx' cannot be loaded"):
            await engine.warm_up()


async def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.local.requirements.find_spec", lambda _: None)
    with pytest.raises(BadOption, match=r"speech-gateway\[kokoro\]"):
        Kokoro(Kokoro.Options()).preflight()

"""Real voices are understood: whisper-base hears what Piper and Kokoro say about as well as what espeak-ng says."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from adapters.contract import tts
from adapters.tts.espeak.adapter import Espeak
from adapters.tts.kokoro.adapter import Kokoro
from adapters.tts.piper.adapter import Piper
from tests.support.synthesis import speak, word_errors, words

SENTENCES = """
The capital of France is Paris.
Water boils at one hundred degrees.
Please call me back tomorrow morning.
She sells fresh bread at the market.
The train to London leaves in ten minutes.
We walked along the river until it was dark.
He forgot his umbrella on the bus again.
The children are playing in the garden.
Could you open the window, please?
My brother works in a large hospital.
The weather will be better next week.
I would like a cup of coffee with milk.
They moved to a new house in the spring.
The library closes early on Sundays.
Nobody knows where the old road ends.
Her answer was short, but it was true.
The doctor asked how long I had been ill.
Remember to lock the door when you leave.
The concert was good, although it was too loud.
Birds fly south when the winter comes.
""".strip().splitlines()

WORST_RATE = 0.25
"""Of word errors: twice what was measured for the worst of them."""


@pytest.fixture(scope="module")
def recogniser(real_model: Callable[[str], Path]) -> Any:
    faster_whisper: Any = pytest.importorskip("faster_whisper", reason="no faster-whisper to listen with")
    return faster_whisper.WhisperModel(str(real_model("whisper-base")), device="cpu", compute_type="int8")


async def error_rate(engine: tts.Synthesiser, recogniser: Any, sentences: Sequence[str]) -> float:
    """The word error rate over ``sentences``, heard together to save the recogniser's time."""
    said: list[str] = []
    clips: list[Any] = []
    for sentence in sentences:
        samples = await speak(engine, sentence, language="en")
        clips += [samples, np.zeros(engine.info.sample_rate // 2, np.int16)]
        said += words(sentence)
    audio = np.concatenate(clips).astype(np.float32) / 32_768
    segments, _ = recogniser.transcribe(
        soxr.resample(audio, engine.info.sample_rate, 16_000), language="en", beam_size=1
    )
    heard = words(" ".join(segment.text for segment in segments).replace("10", "ten").replace("100", "one hundred"))
    return word_errors(said, heard) / len(said)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("make", "model"), [(Piper, "piper-joe"), (Kokoro, "kokoro")])
async def test_sentences_are_understood(
    make: Any, model: str, real_model: Callable[[str], Path], recogniser: Any
) -> None:
    async with (
        aclosing(make(make.Options(tts_model=str(real_model(model))))) as engine,
        aclosing(Espeak(Espeak.Options())) as espeak,
    ):
        await engine.warm_up()
        await espeak.warm_up()
        rate, robotic = [await error_rate(each, recogniser, SENTENCES) for each in (engine, espeak)]
    print(f"word error rate: {model} {rate:.3f}, espeak {robotic:.3f}")
    assert rate <= WORST_RATE
    assert rate <= robotic + 0.1

"""A worker that makes a tone instead of speech, and ends on certain words."""

import os
from collections.abc import Callable

import numpy as np

from adapters.blocking import Work
from adapters.tts import waveform
from adapters.tts.phrase_workers import Phrase, UnusableModel, answering

RATE = 16_000


def synthesiser(kind: str) -> Work:
    def load() -> Callable[[Phrase], bytes]:
        if kind == "damaged":
            raise UnusableModel("The model is damaged; download it again.")
        if kind == "dead":
            os.abort()
        return tone

    return answering(load)


def tone(phrase: Phrase) -> bytes:
    if "crash" in phrase.text:
        os.abort()
    samples = round(len(phrase.text) * RATE / 100 / phrase.speed)
    return waveform.of_floats(0.3 * np.cos(np.arange(samples) * 0.2))

"""What the worker processes of the engine load: the Kokoro model, and the espeak-ng that makes phonemes of text."""

from collections.abc import Callable
from typing import Any

import numpy as np

from adapters.blocking import Work
from adapters.tts import waveform
from adapters.tts.phrase_workers import Phrase, UnusableModel, answering

SENTENCE_PAUSE, CLAUSE_PAUSE = 0.25, 0.1
"""Seconds of silence after a phrase; the model's own, about half a second before and after, is cut off."""


def synthesiser(model: str, voices: str, vocabulary: str) -> Work:
    """In a worker: load the model from its files; the function returned answers jobs."""
    return answering(lambda: _speaker(_load(model, voices, vocabulary)))


def _load(model: str, voices: str, vocabulary: str) -> Any:
    from kokoro_onnx import Kokoro  # noqa: PLC0415 - of an extra

    from adapters.local import onnx  # noqa: PLC0415 - imports onnxruntime

    try:
        return Kokoro.from_session(onnx.SharedModel(model), voices, vocab_config=vocabulary or None)
    except Exception as error:
        raise UnusableModel(
            f"The Kokoro model {model!r} cannot be loaded ({type(error).__name__}): it is damaged; download it again."
        ) from error


def _speaker(kokoro: Any) -> Callable[[Phrase], bytes]:
    from kokoro_onnx import SAMPLE_RATE  # noqa: PLC0415 - of an extra
    from kokoro_onnx.chunker import pause_after  # noqa: PLC0415 - of an extra

    def speak(phrase: Phrase) -> bytes:
        phonemes = " ".join(kokoro.tokenizer.phonemize(phrase.text, phrase.speaker.language).split())
        if not any(character.isalpha() for character in phonemes):
            return b""
        style = np.mean([kokoro.voices[name] for name in phrase.speaker.voice.split("+")], axis=0)
        samples, _ = kokoro.create(
            phonemes,
            style,
            phrase.speed,
            is_phonemes=True,
            sentence_pause=SENTENCE_PAUSE / phrase.speed,
            clause_pause=CLAUSE_PAUSE / phrase.speed,
        )
        pause = pause_after(phonemes, SENTENCE_PAUSE, CLAUSE_PAUSE) / phrase.speed
        return waveform.of_floats(samples) + bytes(2 * round(pause * SAMPLE_RATE))

    return speak

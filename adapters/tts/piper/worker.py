"""What the worker processes of the engine load: Piper's voices, each an ONNX model, and the espeak-ng inside Piper."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from adapters.blocking import Work
from adapters.tts import waveform
from adapters.tts.phrase_workers import Phrase, UnusableModel, answering


def synthesiser(*files: str) -> Work:
    """In a worker: load the voice ``files``; the function returned answers jobs."""
    return answering(lambda: _speaker({Path(file).stem: _load(file) for file in files}))


def _load(file: str) -> Any:
    from piper import PiperConfig, PiperVoice  # noqa: PLC0415 - of an extra

    from adapters.local import onnx  # noqa: PLC0415 - imports onnxruntime

    try:
        config = PiperConfig.from_dict(json.loads(Path(f"{file}.json").read_bytes()))
        return PiperVoice(onnx.SharedModel(file), config)
    except Exception as error:
        raise UnusableModel(
            f"The Piper voice {file!r} cannot be loaded ({type(error).__name__}): it is damaged; download it again."
        ) from error


def _speaker(voices: dict[str, Any]) -> Callable[[Phrase], bytes]:
    from piper import SynthesisConfig  # noqa: PLC0415 - of an extra

    def speak(phrase: Phrase) -> bytes:
        name, _, speaker = phrase.speaker.voice.partition("+")
        voice = voices[name]
        config = SynthesisConfig(
            speaker_id=voice.config.speaker_id_map[speaker] if speaker else None,
            length_scale=voice.config.length_scale / phrase.speed,
            # Every phrase at full level would make short ones louder than long ones.
            normalize_audio=False,
        )
        sentences = [sentence.audio_float_array for sentence in voice.synthesize(phrase.text, config)]
        return waveform.of_floats(np.concatenate(sentences)) if sentences else b""

    return speak

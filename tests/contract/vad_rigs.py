"""Rigs of the voice activity detectors for the contract's checks."""

import wave
from collections.abc import Callable
from pathlib import Path

from adapters.contract import vad
from adapters.contract.audio import SAMPLE_BYTES
from adapters.contract.checks import DetectorRig
from adapters.vad.energy import Energy
from adapters.vad.silero.adapter import Silero
from tests.models import real

QUESTION = Path(__file__).parent.parent / "data" / "question.wav"


class RecordedRig:
    """One engine at 16 kHz, which hears a recorded question twice, with a second of silence before and after each."""

    def __init__(self, engine: vad.VoiceActivity) -> None:
        self.engine = engine

    def speech(self) -> bytes:
        with wave.open(str(QUESTION)) as recording:
            assert recording.getframerate() == self.engine.sample_rate
            question = bytes(recording.readframes(recording.getnframes()))
        silence = bytes(self.engine.sample_rate * SAMPLE_BYTES)
        return silence + question + silence + question + silence


def silero() -> DetectorRig:
    """Silero with its real model."""
    engine = Silero(Silero.Options(vad_model=str(real.at_hand("silero") / "silero_vad.onnx")))
    engine.preflight()
    return RecordedRig(engine)


# By the name under which each engine is registered.
RIGS: dict[str, Callable[[], DetectorRig]] = {
    "energy": lambda: RecordedRig(Energy(Energy.Options())),
    "silero": silero,
}

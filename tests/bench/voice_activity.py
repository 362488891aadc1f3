"""Measures the processor time that voice activity detection takes for a session, with more and more of them at once."""

import asyncio
import time
from collections.abc import Callable, Mapping
from statistics import median

import msgspec
import numpy as np

from adapters.contract import vad
from adapters.vad.energy import Energy
from tests.bench.plan import Plan
from tests.bench.recognition import RATE, spoken
from tests.models import real

SECONDS = 10
BLOCK_SECONDS = 0.032
"""Live audio comes in blocks of this length."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds of processor time a session takes for a second of speech, and for one of silence.

    ``by_hand`` is the library called for each window alone, of speech; ``None`` where there is no library.
    """

    engine: str
    sessions: int
    speech: float
    silence: float
    by_hand: float | None


def _energy() -> vad.VoiceActivity:
    return Energy(Energy.Options())


def _silero() -> vad.VoiceActivity:
    from adapters.vad.silero.adapter import Silero  # noqa: PLC0415 - of an extra

    return Silero(Silero.Options(vad_model=str(real.fetch("silero") / "silero_vad.onnx")))


ENGINES: Mapping[str, Callable[[], vad.VoiceActivity]] = {"energy": _energy, "silero": _silero}


def _fed(engine: vad.VoiceActivity, pcm: bytes, sessions: int) -> float:
    """Milliseconds of processor time a session and second."""
    assert isinstance(engine, vad.Metering)
    meters = [engine.meter() for _ in range(sessions)]
    size = 2 * round(BLOCK_SECONDS * engine.sample_rate)
    begun = time.process_time()
    for start in range(0, len(pcm), size):
        engine.measure([(meter, pcm[start : start + size]) for meter in meters])
    return (time.process_time() - begun) * 1000 / sessions / (len(pcm) / 2 / engine.sample_rate)


def _silero_by_hand(pcm: bytes) -> float:
    """One window after another through onnxruntime on one thread, as the model's own example does it."""
    from adapters.vad.silero.model import CONTEXT, STATE, WINDOW, SileroModel  # noqa: PLC0415 - of an extra

    model = SileroModel(real.fetch("silero") / "silero_vad.onnx")
    samples = (np.frombuffer(pcm, "<i2") / 32_768).astype(np.float32)
    state = np.zeros((1, *STATE), np.float32)
    begun = time.process_time()
    for start in range(CONTEXT, len(samples) - WINDOW, WINDOW):
        _, state = model.speech(samples[np.newaxis, start - CONTEXT : start + WINDOW], state)
    return (time.process_time() - begun) * 1000 / SECONDS


def measure(plan: Plan, name: str) -> list[Row]:
    """Every number of sessions."""
    return asyncio.run(_measured(plan, name))


async def _measured(plan: Plan, name: str) -> list[Row]:
    engine, speech, silence = ENGINES[name](), spoken(SECONDS), bytes(2 * RATE * SECONDS)
    await engine.warm_up()
    by_hand = median(_silero_by_hand(speech) for _ in range(plan.rounds)) if name == "silero" else None
    rows = [
        Row(
            engine=name,
            sessions=sessions,
            speech=median(_fed(engine, speech, sessions) for _ in range(plan.rounds)),
            silence=median(_fed(engine, silence, sessions) for _ in range(plan.rounds)),
            by_hand=by_hand,
        )
        for sessions in plan.streams
    ]
    await engine.aclose()
    return rows

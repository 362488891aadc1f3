"""The voice activity detector ``silero``: one model, in which the windows of many streams run as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from adapters.blocking import call
from adapters.contract import vad
from adapters.contract.description import EngineDescription
from adapters.local import weights
from adapters.local.requirements import check_installed
from adapters.vad.silero.model_file import source

if TYPE_CHECKING:
    from adapters.vad.silero.detector import SileroDetector
    from adapters.vad.silero.model import SileroModel


ADAPTER = "silero"


class Silero:
    """Detects speech by a neural network, behind an energy gate: silence costs next to nothing."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        """Options of Silero's voice activity detector."""

        vad_model: Annotated[
            Annotated[str, Meta(min_length=1)] | None,
            Meta(description="Silero's silero_vad.onnx; when not given it is downloaded at the first start."),
        ] = None
        vad_silero_threshold: Annotated[
            float, Meta(ge=0.2, le=0.95, description="Probability from which a window of 32 ms counts as speech.")
        ] = 0.5
        vad_silero_gate_db: Annotated[
            float, Meta(ge=-120, le=0, description="Level in dBFS, hum filtered out, below which nothing is judged.")
        ] = -65.0

    description = EngineDescription(rank=10)

    def __init__(self, options: Options) -> None:
        self._options = options
        self._model: SileroModel | None = None

    @property
    def sample_rate(self) -> int:
        """16 kHz."""
        return 16_000

    def preflight(self) -> None:
        """Load the model, which takes a moment only, unless the hub has it. Raises ``BadOption``."""
        check_installed("--vad silero", "silero", "onnxruntime", "huggingface_hub")
        file = weights.check(source(self._options.vad_model))
        if file is not None:
            self._model = _load(file)

    async def warm_up(self) -> None:
        """Load the model if that was not done, and download it first. Raises ``Unavailable``, ``BadOption``."""
        if self._model is None:
            file = await weights.fetch(source(self._options.vad_model), adapter=ADAPTER)
            self._model = await call(_load, file)

    async def aclose(self) -> None:
        """Free the model."""
        self._model = None

    def detector(self) -> _Detector:
        """A detector for one stream."""
        from adapters.vad.silero.detector import SileroDetector  # noqa: PLC0415 - imports onnxruntime

        return _Detector(self, SileroDetector(self._options.vad_silero_threshold, self._options.vad_silero_gate_db))

    def feed_many(self, blocks: Sequence[tuple[vad.Detector, bytes]]) -> list[list[vad.Event]]:
        """What ``feed`` would return for each of the ``blocks``; the windows of all of them run as batches.

        No detector may be there twice; all must be of this engine.
        """
        import numpy as np  # noqa: PLC0415 - of the model

        assert self._model is not None, "it is warm"
        streams = [detector.stream for detector, _ in blocks if isinstance(detector, _Detector)]
        taken = [stream.take(pcm) for stream, (_, pcm) in zip(streams, blocks, strict=True)]
        events: list[list[vad.Event]] = [[] for _ in blocks]
        running = list(range(len(blocks)))
        while running:
            waiting = []
            for number in running:
                for item in taken[number]:
                    if isinstance(item, np.ndarray):
                        waiting.append((number, item))
                        break
                    events[number].append(item)
            running = [number for number, _ in waiting]
            if running:
                states = np.stack([streams[number].state for number in running])
                probabilities, states = self._model.speech(np.stack([window for _, window in waiting]), states)
                for number, probability, state in zip(running, probabilities, states, strict=True):
                    streams[number].state = state
                    events[number] += streams[number].judged(float(probability))
        return events


def _load(file: Path) -> SileroModel:
    from adapters.vad.silero.model import SileroModel  # noqa: PLC0415 - imports onnxruntime

    return SileroModel(file)


class _Detector:
    """One stream, and the engine that judges its windows."""

    def __init__(self, engine: Silero, stream: SileroDetector) -> None:
        self._engine = engine
        self.stream = stream

    def feed(self, pcm: bytes) -> list[vad.Event]:
        """Take s16le mono at 16 kHz; a start of speech is reported after 64 ms, a stop after 512 ms."""
        return self._engine.feed_many([(self, pcm)])[0]

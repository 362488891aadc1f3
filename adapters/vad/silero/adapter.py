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
    from adapters.vad.silero.detector import SileroMeter
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
        self._gate = 10 ** (options.vad_silero_gate_db / 20)
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

    @property
    def window_seconds(self) -> float:
        """32 ms."""
        return 0.032

    def detector(self) -> _Detector:
        """A detector for one stream."""
        return _Detector(self, self._options.vad_silero_threshold)

    def meter(self) -> SileroMeter:
        """The state of one stream."""
        from adapters.vad.silero.detector import SileroMeter  # noqa: PLC0415 - imports onnxruntime

        return SileroMeter()

    def measure(self, blocks: Sequence[tuple[vad.Meter, bytes]]) -> list[list[float]]:
        """The probability of speech in each window that the ``blocks`` complete; all streams run as batches."""
        from adapters.vad.silero.detector import SileroMeter, judge  # noqa: PLC0415 - imports onnxruntime

        assert self._model is not None, "it is warm"
        taken = [(meter, meter.take(pcm)) for meter, pcm in blocks if isinstance(meter, SileroMeter)]
        found: list[list[float]] = [[] for _ in blocks]
        for turn in range(max((len(windows) for _, windows in taken), default=0)):
            numbers = [number for number, (_, windows) in enumerate(taken) if turn < len(windows)]
            meters = [taken[number][0] for number in numbers]
            windows = [taken[number][1][turn] for number in numbers]
            for number, probability in zip(numbers, judge(self._model, meters, windows, self._gate), strict=True):
                found[number].append(probability)
        return found


def _load(file: Path) -> SileroModel:
    from adapters.vad.silero.model import SileroModel  # noqa: PLC0415 - imports onnxruntime

    return SileroModel(file)


class _Detector:
    """One stream, and the engine that judges its windows."""

    def __init__(self, engine: Silero, threshold: float) -> None:
        from adapters.vad.silero.detector import SileroDetector  # noqa: PLC0415 - imports onnxruntime

        self._engine = engine
        self._meter = engine.meter()
        self._detector = SileroDetector(threshold)

    def feed(self, pcm: bytes) -> list[vad.Event]:
        """Take s16le mono at 16 kHz; a start of speech is reported after 64 ms, a stop after 512 ms."""
        probabilities = self._engine.measure([(self._meter, pcm)])[0]
        return [event for probability in probabilities for event in self._detector.judged(probability)]

"""Smart Turn: hears by the tone and pace of the last 8 s whether a speaker has finished (``--realtime_turn_model``).

The model is a file of ONNX (``smart-turn-v3.2-cpu.onnx``, 9 MB); a judgement takes 50 to 100 ms of one processor.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from adapters.blocking import call
from adapters.local.requirements import check_installed
from adapters.options import BadOption
from adapters.turn_end.log_mel import SAMPLE_RATE, WINDOW_SECONDS, log_mel

if TYPE_CHECKING:
    import onnxruntime


class SmartTurn:
    """The model in the file ``path``."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._session: onnxruntime.InferenceSession | None = None

    @property
    def sample_rate(self) -> int:
        """16 kHz."""
        return SAMPLE_RATE

    @property
    def window_seconds(self) -> float:
        """8 s."""
        return WINDOW_SECONDS

    def preflight(self) -> None:
        """Load the model, which takes a moment only. Raises ``BadOption``."""
        check_installed("--realtime_turn_model", "smart-turn", "onnxruntime")
        if not self._path.is_file():
            raise BadOption(
                f"--realtime_turn_model {str(self._path)!r} is not a file; give Smart Turn's smart-turn-v3.2-cpu.onnx."
            )
        try:
            self._session = _load(str(self._path))
            self.probability(b"")
        except Exception as error:
            raise BadOption(
                f"{str(self._path)!r} is not Smart Turn's model ({type(error).__name__}); give its "
                "smart-turn-v3.2-cpu.onnx as --realtime_turn_model."
            ) from error

    async def warm_up(self) -> None:
        """Load the model if that was not done. Raises ``BadOption``."""
        if self._session is None:
            await call(self.preflight)

    async def aclose(self) -> None:
        """Free the model."""
        self._session = None

    def probability(self, pcm: bytes) -> float:
        """How probable it is that the speaker of ``pcm`` (s16le mono at 16 kHz) has finished; blocks."""
        assert self._session is not None, "it is warm"
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768)
        (output,) = self._session.run(None, {"input_features": log_mel(samples)[np.newaxis]})
        return float(output[0, 0])


def _load(path: str) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One judgement at a time, on one thread: voice activity and recognition go on beside it.
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, sess_options=options, providers=["CPUExecutionProvider"])

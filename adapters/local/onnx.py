"""Opens ONNX models for workers that take turns on the same processors."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import onnxruntime

from adapters.blocking import is_alone, worker_number

SPIN_MICROSECONDS = 50
"""How long a thread waits for the next part of a computation before it sleeps.

Not at all makes a lone computation a tenth slower; the library's own choice takes the processors from other workers.
"""

ALL_PROCESSORS = 0
"""A number of threads that the library chooses: one for each core."""


class SharedModel:
    """A model that computes with all processors for a job that is alone, and with half of them beside others.

    Two jobs with all processors each would be slower than one after the other. The number of threads of a session
    cannot be changed, so there are two, and the model is twice in memory; but only in the first worker, since the
    others work beside it.
    """

    def __init__(self, model: str) -> None:
        """Load the file ``model``. Raises what onnxruntime raises."""
        processors = _processors()
        self._beside = _session(model, max(1, processors // 2))
        self._alone = _session(model, ALL_PROCESSORS) if worker_number() == 0 and processors > 1 else self._beside

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Any]) -> Sequence[Any]:
        """As ``InferenceSession.run``."""
        return (self._alone if is_alone() else self._beside).run(outputs, feeds)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        """What libraries ask of a session beside: its inputs, outputs and metadata, which both have alike."""
        return getattr(self._beside, name)


def _session(model: str, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_MICROSECONDS))
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])


def _processors() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1

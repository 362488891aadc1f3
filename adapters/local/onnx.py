"""Opens ONNX models for workers that take turns on the same processors."""

import os
import sys

import onnxruntime

from adapters.blocking import worker_number

SPIN_MICROSECONDS = 50
"""How long a thread waits for the next part of a computation before it sleeps.

Not at all makes a lone computation a tenth slower; the library's own choice takes the processors from other workers.
"""


def threads(number: int, processors: int) -> int:
    """How many threads the worker ``number`` computes with; 0 leaves it to the library: one for each core.

    The first worker is alone most of the time. The others work beside it: with all processors for each of them they
    would be slower than one after the other.
    """
    return 0 if number == 0 else max(1, processors // 2)


def session(model: str) -> onnxruntime.InferenceSession:
    """The model in the file ``model``, on the CPU. Raises what onnxruntime raises."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads(worker_number(), _processors())
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_MICROSECONDS))
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])


def _processors() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1

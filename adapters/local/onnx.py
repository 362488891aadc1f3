"""Opens ONNX models for workers that take turns on the same processors."""

import onnxruntime

SPIN_MICROSECONDS = 50
"""How long a thread waits for the next part of a computation before it sleeps.

Not at all makes a lone computation a tenth slower; the library's own choice takes the processors from other workers.
"""


def session(model: str) -> onnxruntime.InferenceSession:
    """The model in the file ``model``, on the CPU. Raises what onnxruntime raises."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_MICROSECONDS))
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])

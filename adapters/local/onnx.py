"""Opens ONNX models for workers that take turns on the same processors."""

import onnxruntime


def session(model: str) -> onnxruntime.InferenceSession:
    """The model in the file ``model``, on the CPU. Raises what onnxruntime raises."""
    options = onnxruntime.SessionOptions()
    # Threads that wait by spinning take the processors from the other workers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])

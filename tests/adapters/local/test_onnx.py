"""Sessions of ONNX models spin for a moment only while they wait."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from adapters.local import onnx


def test_threads_that_wait_leave_the_processors_to_others(real_model: Callable[[str], Path]) -> None:
    session = onnx.session(str(real_model("silero") / "silero_vad.onnx"))
    options = session.get_session_options()
    assert options.get_session_config_entry("session.intra_op.spin_duration_us") == "50"
    assert session.get_providers() == ["CPUExecutionProvider"]

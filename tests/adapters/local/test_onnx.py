"""Sessions of ONNX models leave the processors to the workers beside them."""

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


@pytest.mark.parametrize(("number", "processors", "expected"), [(0, 8, 0), (1, 8, 4), (2, 8, 4), (1, 2, 1), (1, 1, 1)])
def test_only_the_first_worker_takes_all_processors(number: int, processors: int, expected: int) -> None:
    assert onnx.threads(number, processors) == expected

"""ONNX models leave processors to the workers beside them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime")

from adapters.blocking.share import become, begin_job
from adapters.local import onnx

FEEDS = {"input": np.zeros((1, 576), np.float32), "state": np.zeros((2, 1, 128), np.float32), "sr": np.array(16_000)}


@pytest.fixture
def worker() -> Iterator[Callable[[int], None]]:
    """Makes this process the worker of a number; afterwards it is the first again, and alone."""
    yield become
    become(0)
    begin_job(alone=True)


def test_threads_that_wait_leave_the_processors_to_others(real_model: Callable[[str], Path]) -> None:
    model = onnx.SharedModel(str(real_model("silero") / "silero_vad.onnx"))
    options = model.get_session_options()
    assert options.get_session_config_entry("session.intra_op.spin_duration_us") == "50"
    assert model.get_providers() == ["CPUExecutionProvider"]


@pytest.mark.parametrize("alone", [True, False])
def test_a_model_says_the_same_alone_and_beside_others(
    real_model: Callable[[str], Path], worker: Callable[[int], None], alone: bool
) -> None:
    worker(0)
    begin_job(alone=alone)
    model = onnx.SharedModel(str(real_model("silero") / "silero_vad.onnx"))
    speech, state = model.run(None, FEEDS)
    assert 0 < speech.item() < 0.1
    assert state.shape == (2, 1, 128)


class _Session:
    def __init__(self, threads: int) -> None:
        self._threads = threads

    def run(self, _outputs: None, _feeds: dict[str, object]) -> list[int]:
        return [self._threads]


@pytest.mark.parametrize(
    ("number", "processors", "loaded", "when_alone", "beside_others"),
    [(0, 8, [4, 0], 0, 4), (1, 8, [4], 4, 4), (0, 3, [1, 0], 0, 1), (0, 1, [1], 1, 1), (1, 1, [1], 1, 1)],
)
def test_only_the_first_worker_takes_all_processors_and_only_when_it_is_alone(
    monkeypatch: pytest.MonkeyPatch,
    worker: Callable[[int], None],
    *,
    number: int,
    processors: int,
    loaded: list[int],
    when_alone: int,
    beside_others: int,
) -> None:
    opened: list[int] = []

    def session(_model: str, threads: int) -> _Session:
        opened.append(threads)
        return _Session(threads)

    monkeypatch.setattr(onnx, "_processors", lambda: processors)
    monkeypatch.setattr(onnx, "_session", session)
    worker(number)
    model = onnx.SharedModel("voice.onnx")
    assert opened == loaded
    for alone, threads in ((True, when_alone), (False, beside_others)):
        begin_job(alone=alone)
        assert model.run(None, {}) == [threads]

"""Smart Turn with its real model: a question that is over, one that breaks off, and files that are no model."""

import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.options import BadOption
from adapters.turn_end.smart_turn import SmartTurn

QUESTION = Path(__file__).parents[2] / "data" / "question.wav"
RATE = 16_000
PAUSE = bytes(RATE // 5 * 2)
"""A fifth of a second of silence."""


def question(seconds: float | None = None) -> bytes:
    """Somebody who asks, or its beginning."""
    with wave.open(str(QUESTION)) as recording:
        pcm = bytes(recording.readframes(recording.getnframes()))
    return pcm if seconds is None else pcm[: round(seconds * RATE) * 2]


async def test_the_end_of_a_question_sounds_like_one(real_model: Callable[[str], Path]) -> None:
    model = SmartTurn(str(real_model("smart-turn") / "smart-turn-v3.2-cpu.onnx"))
    await model.warm_up()
    assert model.probability(question() + PAUSE) > 0.8
    assert model.probability(question(1.5) + PAUSE) < 0.2
    long = bytes(10 * RATE * 2) + question() + PAUSE
    assert model.probability(long) == pytest.approx(model.probability(long[-8 * RATE * 2 :]))
    await model.aclose()
    await model.aclose()


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(BadOption, match=r"'/no/such\.onnx' is not a file"):
        SmartTurn("/no/such.onnx").preflight()


def test_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.onnx"
    file.write_bytes(b"no model")
    with pytest.raises(BadOption, match=r"other\.onnx' is not Smart Turn's model"):
        SmartTurn(str(file)).preflight()


def test_another_model_is_refused(real_model: Callable[[str], Path]) -> None:
    with pytest.raises(BadOption, match="is not Smart Turn's model"):
        SmartTurn(str(real_model("silero") / "silero_vad.onnx")).preflight()


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.local.requirements.find_spec", lambda _: None)
    with pytest.raises(BadOption, match=r"speech-gateway\[smart-turn\]"):
        SmartTurn(str(QUESTION)).preflight()

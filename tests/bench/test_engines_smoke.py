"""The benchmark of the engines runs; its rates are nobody's promise here, but they must be rates of what it says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import engines, recognition, speech_route, synthesis, voice_activity
from tests.bench.plan import QUICK
from tests.models import real


@pytest.fixture(autouse=True)
def at_hand(monkeypatch: pytest.MonkeyPatch, real_model: Callable[[str], Path]) -> None:
    """Nothing is downloaded: where a model is not at hand, its test is skipped."""
    monkeypatch.setattr(real, "fetch", real_model)


@pytest.mark.parametrize("name", ["faster-whisper", "pocketsphinx"])
async def test_recognition(name: str) -> None:
    if name == "faster-whisper":
        pytest.importorskip("faster_whisper", reason="needs faster-whisper")
    rows = await recognition.measure(QUICK, name)
    assert [(row.engine, row.seconds, row.callers) for row in rows] == [(name, 2, 1), (name, 2, 2)]
    assert all(min(row.rate, row.by_hand) > 0 for row in rows)


@pytest.mark.parametrize("name", ["espeak", "piper"])
async def test_synthesis(name: str) -> None:
    if name == "piper":
        pytest.importorskip("piper", reason="needs piper-tts")
    rows = await synthesis.measure(QUICK, name)
    assert [(row.engine, row.callers) for row in rows] == [(name, 1), (name, 2)]
    assert all(min(row.rate, row.of_by_hand, row.first_sound, row.first_by_hand) > 0 for row in rows)


def test_voice_activity() -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    rows = [row for name in voice_activity.ENGINES for row in voice_activity.measure(QUICK, name)]
    assert [(row.engine, row.sessions) for row in rows] == [
        (name, sessions) for name in ("energy", "silero") for sessions in QUICK.streams
    ]
    assert all(row.speech > 0 and row.silence > 0 for row in rows)


def test_speech_comes_before_the_server_has_made_all_of_it() -> None:
    rows = speech_route.measure(QUICK)
    assert [row.response_format for row in rows] == [*speech_route.FORMATS]
    for row in rows:
        assert row.direct + row.added_p50 < row.whole
        assert row.whole > QUICK.speech_seconds * 1000 / 2  # timers may be late, and are never early


def test_an_engine_without_its_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent(*_: object) -> None:
        raise ImportError("No module named 'piper'")

    monkeypatch.setattr(synthesis, "measure", absent)
    assert len(list(engines.PARTS["synthesis"].table(["piper"], QUICK))) == 2
    assert "piper is left out: No module named 'piper'" in capsys.readouterr().out

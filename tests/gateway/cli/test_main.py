"""The command line: commands, exit statuses, one line an error, and what is handed to serving and asking."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from adapters.options import BadOption
from gateway.cli.main import main

RUN = [sys.executable, "-c", "import sys; from gateway.cli.main import main; sys.exit(main())"]

Called = list[tuple[Any, ...]]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Called:
    """Stand-ins for serving and asking, which note how they are called; nothing in the environment."""
    calls: Called = []

    def note(*arguments: Any) -> int:
        calls.append(arguments)
        return 0

    serve, ask = ModuleType("gateway.cli.serve"), ModuleType("gateway.cli.ask")
    vars(serve)["serve"] = vars(ask)["ask_here"] = vars(ask)["ask_gateway"] = note
    monkeypatch.setitem(sys.modules, "gateway.cli.serve", serve)
    monkeypatch.setitem(sys.modules, "gateway.cli.ask", ask)
    for name in list(os.environ):
        if name.startswith(("S2S_", "OPENAI_")):
            monkeypatch.delenv(name)
    return calls


def test_serve(called: Called, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("S2S_PORT", "0")
    assert main(["--mode", "realtime", "--llm_backend", "echo", "--llm_device", "cpu"]) == 0
    ((loaded, reread),) = called
    assert reread() == loaded
    assert (loaded.settings.port, loaded.settings.mode) == (0, "realtime")
    assert capsys.readouterr().err.splitlines() == [f"warning: {warning}" for warning in loaded.warnings]
    assert len(loaded.warnings) == 1


def test_serve_from_a_file(called: Called, tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text("port = 0")
    assert main([str(path)]) == 0
    assert called[0][0].settings.port == 0


def test_ask_here(called: Called) -> None:
    assert main(["ask", "--enable_lang_prompt", "in.wav", "-o", "-", "--speed", "2"]) == 0
    ((loaded, source, output),) = called
    assert (loaded.settings.speed, source, output) == (2.0, "in.wav", "-")


def test_ask_a_gateway(called: Called) -> None:
    assert main(["ask", "--url", "http://x/v1", "in.wav", "--speed", "2", "--model_name", "m", "--language", "de"]) == 0
    assert called == [("http://x/v1", "in.wav", "answer.wav", {"speed": "2.0", "model": "m", "language": "de"})]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--chat_sise", "3"], "did you mean --chat_size?"),
        (["--llm_backend", "opnai"], "is not one of chat-completions"),
        (["absent.toml"], "'absent.toml'"),
        (["foo"], "'foo' is neither a command"),
        (["ask"], "ask takes one audio file, not 0"),
        (["ask", "a.wav", "b.wav"], "ask takes one audio file, not 2"),
        (["ask", "a.wav", "-o"], "-o needs a value"),
        (["ask", "a.wav", "--url", "http://x", "--stt", "pocketsphinx"], "--stt cannot be used beside --url"),
        (["ask", "a.wav", "--url", "http://x", "--config", "a.toml"], "--config cannot be used beside --url"),
        (["config", "--port", "x"], "--port 'x' cannot be used"),
        (["--output", "x"], "Unknown flag '--output'"),
    ],
)
def test_mistakes(called: Called, capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("speech-to-speech: ")
    assert message in line
    assert called == []


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["--model_name", "m"], "pip install 'speech-gateway[transformers]'"),
        (["--llm_backend", "mlx-lm"], "pip install 'speech-gateway[mlx]'"),
        (["check", "--stt", "transformers"], "pip install 'speech-gateway[transformers]'"),
    ],
)
def test_an_engine_whose_packages_are_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], command: str
) -> None:
    monkeypatch.setattr("adapters.local.requirements.find_spec", lambda _module: None)
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(command)


@pytest.mark.parametrize(("error", "status"), [(BadOption("no key"), 2), (KeyboardInterrupt(), 130)])
def test_what_serving_raises(
    called: Called, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int
) -> None:
    def serve(_loaded: Any, _reread: Any) -> int:
        raise error

    monkeypatch.setattr(sys.modules["gateway.cli.serve"], "serve", serve, raising=False)
    assert main([]) == status
    assert called == []


@pytest.mark.usefixtures("called")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--version"], f"speech-to-speech {version('speech-gateway')}\n"),
        (["--help"], "\n  --chat_size NUMBER"),
        (["ask", "-h"], "speech-to-speech ask FILE"),
        (["config"], 'llm_backend = "echo"'),
        (["config", "--llm_backend", "mlx-lm"], 'llm_backend = "mlx-lm"'),
        (["config", "--example"], "# port = 8765\n"),
        (["config", "--schema"], '"properties"'),
    ],
)
def test_prints(capsys: pytest.CaptureFixture[str], words: list[str], expected: str) -> None:
    assert main(words) == 0
    shown = capsys.readouterr()
    assert expected in shown.out
    assert shown.err == ""


def test_a_reader_that_leaves_early_sees_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([*RUN, "--help"], stdout=writing, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writing)
    assert done.stderr == b""


def test_another_package_named_adapters(tmp_path: Path) -> None:
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "__init__.py").touch()
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    words = [sys.executable, "-P", *RUN[1:], "--version"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "another Python package named 'adapters'" in line


def test_every_engine_is_described_without_loading_what_it_runs_on() -> None:
    code = """
import sys
from gateway.cli.main import main
main(["config"])
sys.exit(", ".join({"litestar", "uvicorn", "torch", "transformers", "pocketsphinx"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""

"""Real OpenAI-compatible servers as child processes on loopback, each with the tiny model.

They are installed in a separate environment, so that torch, MLX and llama.cpp are not in that of the tests;
``SPEECH_GATEWAY_SERVERS`` names its ``bin`` folder. ``tests/README.md`` says how to make it.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from adapters.contract import llm
from adapters.contract.errors import AdapterError, InvalidRequest, UnknownModel
from tests.models.training_data import TOOL

MODEL = "tiny-qwen"
RECOGNISER = "tiny-whisper"
_FOLDER = "SPEECH_GATEWAY_SERVERS"
_CHECKOUT = Path(__file__).parents[2]
_START_SECONDS = 120.0
_STOP_SECONDS = 10.0
_LOG_CHARACTERS = 4000


@dataclass(frozen=True, kw_only=True)
class Server:
    """How one server is started, in the folder of the models, and how its behaviour differs from the others."""

    command: tuple[str, ...]
    """The command without its port; the program is in the servers' environment."""

    package: str
    """The package that must be installed there."""

    is_required: bool = True
    """Whether its absence is a failure where ``REQUIRE_TOOLS`` is set."""

    unknown_model: type[AdapterError] | None
    """The error for a model that it does not have; ``None`` if it answers with the model that it has."""

    switches_thinking: bool = True
    """Whether ``chat_template_kwargs`` reaches the chat template."""

    streams_usage: bool = True
    """Whether a streamed answer ends with its token usage."""

    tool_choice: llm.ToolChoice = "auto"
    """The tool choice with which it parses the model's tool calls."""

    cuts_off: bool = False
    """Whether a new request ends the current answer."""


SERVERS: dict[str, Server] = {
    "transformers_serve": Server(
        command=("transformers", "serve", MODEL, "--host", "127.0.0.1"),
        package="transformers",
        # 400 with {"detail": "Server is pinned to 'tiny-qwen'; requested '…'."}
        unknown_model=InvalidRequest,
    ),
    "transformers_serve_recogniser": Server(
        command=("transformers", "serve", RECOGNISER, "--host", "127.0.0.1"),
        package="python_multipart",  # without it, it takes no recordings
        unknown_model=InvalidRequest,
    ),
    "mlx_lm": Server(
        command=("mlx_lm.server", "--model", MODEL, "--host", "127.0.0.1"),
        package="mlx_lm",
        # 404 with {"error": "…"}, the words of the hub's client that looked for it.
        unknown_model=UnknownModel,
    ),
    "llama_cpp_python": Server(
        command=("python", "-m", "llama_cpp.server", "--model", f"{MODEL}.gguf", "--host", "127.0.0.1"),
        package="llama_cpp",
        is_required=False,  # there is no wheel: it is compiled for minutes
        unknown_model=None,
        switches_thinking=False,
        streams_usage=False,
        tool_choice=llm.NamedTool(name=TOOL["name"]),
        cuts_off=True,
    ),
}


def tools_folder() -> Path:
    """The folder of the programs of the servers' environment. Skips the test when the variable is not set."""
    folder = os.environ.get(_FOLDER)
    if not folder:
        pytest.skip(f"needs real servers: {_FOLDER} names the bin folder of their environment (tests/README.md)")
    return Path(folder).absolute()


def build_models(tools: Path, folder: Path) -> None:
    """Write the tiny model into ``folder`` in every format."""
    command: list[str | Path] = [tools / "python", "-m", "tests.integration.tiny_qwen", folder]
    environment = _environment(folder) | {"OMP_NUM_THREADS": "1"}  # more only wait for each other at this size
    built = subprocess.run(command, cwd=_CHECKOUT, env=environment, capture_output=True, check=False)
    assert built.returncode == 0, f"the tiny model was not built:\n{_end(built.stdout + built.stderr)}"


@contextmanager
def running(name: str, tools: Path, folder: Path) -> Iterator[str]:
    """Run a server with the models in ``folder``, which also gets its log; its base URL. Skips if not installed."""
    server = SERVERS[name]
    if not list(tools.parent.glob(f"lib/python*/site-packages/{server.package}")):
        lacks = "needs" if server.is_required else "goes without"
        pytest.skip(f"{lacks} {server.package} in the environment that {_FOLDER} names (tests/README.md)")
    port = _free_port()
    program, *arguments = server.command
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [tools / program, *arguments, "--port", str(port)],
            cwd=folder,
            env=_environment(folder),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    base_url = f"http://127.0.0.1:{port}/v1"
    try:
        _wait_until(lambda: _answers(base_url), process, log)
        yield base_url
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        running = process.poll() is None and time.monotonic() < deadline
        assert running, f"the server did not start:\n{_end(log.read_bytes())}"
        time.sleep(0.05)


def _answers(base_url: str) -> bool:
    try:
        return httpx.get(f"{base_url}/models").is_success
    except httpx.TransportError:
        return False


def _environment(folder: Path) -> dict[str, str]:
    (folder / "hub").mkdir(exist_ok=True)  # servers that list the hub's cache fail when it is not there
    return os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder)}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _end(output: bytes) -> str:
    return output.decode(errors="replace")[-_LOG_CHARACTERS:]

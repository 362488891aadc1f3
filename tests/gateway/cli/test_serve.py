"""The command as people run it: a process that serves, is asked, and ends when told to."""

import hashlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from websockets.sync.client import connect as websocket

from gateway.cli.main import main
from gateway.cli.serve import _Crew
from gateway.settings.load import load
from gateway.settings.model import Loaded

COMMAND = str(Path(sys.executable).parent / "speech-to-speech")
QUESTION = str(Path(__file__).parents[2] / "data" / "question.wav")
HEARD = "what is the capital of france"


@contextmanager
def serving(*flags: str, lines: int = 1, log: Path | None = None) -> Iterator[tuple[str, str]]:
    """Run the server on a free port; its address and the first ``lines`` that it says of itself.

    What it wrote to ``log`` is there when the block has ended.
    """
    process = subprocess.Popen([COMMAND, "--port", "0", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        said = process.stdout.readline().decode()
        listening = re.search(r"http://127\.0\.0\.1:(\d+)", said)
        assert listening, said + (process.stderr.read().decode() if process.stderr else "")
        more = "".join(process.stdout.readline().decode() for _ in range(lines - 1))
        yield listening[0], said + more
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=20)
        assert b"Traceback" not in logged, logged.decode()
        assert process.returncode == 0, logged.decode()
        if log is not None:
            log.write_bytes(logged)
    finally:
        process.kill()
        process.communicate()


def run(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([COMMAND, *arguments], input=stdin, capture_output=True, timeout=60, cwd=cwd, check=False)


def wait_until_ready(address: str) -> None:
    with httpx.Client(base_url=address) as client:
        for _ in range(1000):
            if client.get("/ready").status_code == 200:
                return
            time.sleep(0.02)
    raise AssertionError("the gateway never became ready")


def test_a_turn_through_the_running_gateway_with_the_embedded_engines(tmp_path: Path) -> None:
    with serving("--voice", "nova") as (address, said):
        assert "echo" in said
        assert "nova" in said
        wait_until_ready(address)
        asked = run("ask", "--url", f"{address}/v1", QUESTION, "-o", "out.wav", "--speed", "1.5", cwd=tmp_path)
        assert asked.returncode == 0, asked.stderr.decode()
        assert f"heard:  {HEARD}" in asked.stdout.decode()
        refused = run("ask", "--url", f"{address}/v1", QUESTION, "--voice", "nobody", cwd=tmp_path)
    assert refused.returncode == 1
    assert "'nobody'" in refused.stderr.decode()
    assert refused.stderr.count(b"\n") == 1
    with wave.open(str(tmp_path / "out.wav")) as answer:
        assert answer.getframerate() == 24_000
        assert 0.5 < answer.getnframes() / 24_000 < 3


def test_realtime_mode_is_accepted_and_sessions_are_served() -> None:
    with serving("--mode", "realtime") as (address, _):
        while httpx.get(f"{address}/ready").status_code != 200:
            time.sleep(0.05)
        with websocket(f"{address.replace('http', 'ws', 1)}/v1/realtime") as connection:
            assert json.loads(connection.recv())["type"] == "session.created"
        assert httpx.get(f"{address}/health").json() == {"status": "ok", "version": version("speech-gateway")}


def test_clients_cannot_write_lines_or_escapes_into_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    forged = "x\n2026-01-01 00:00:00,000 ERROR gateway: all is lost\x1b[31m\u202e\x85"
    with serving(log=log) as (address, _):
        wait_until_ready(address)
        missing = httpx.get(f"{address}/v1/models/{quote(forged)}")
        nowhere = httpx.get(f"{address}/{quote(forged)}")
    logged = log.read_text(encoding="utf-8")
    assert "all is lost" in logged
    assert all(re.match(r"\d{4}-\d\d-\d\d [\d:,]+ (INFO|WARNING) ", line) for line in logged.splitlines())
    for shown in (logged.replace("\n", ""), *(answer.json()["error"]["message"] for answer in (missing, nowhere))):
        assert "all is lost" in shown
        assert shown.isprintable()


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are read there")
@pytest.mark.parametrize(("limits", "allowed"), [("ulimit -Sn 300", 2304), ("ulimit -n 300", 300)])
def test_as_many_files_may_be_open_as_connections_need(limits: str, allowed: int) -> None:
    command = ["sh", "-c", f'{limits}; exec "$0" --port 0', COMMAND]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"speech-to-speech listens")
        soft, _ = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        process.terminate()
        _, logged = process.communicate(timeout=20)
    assert soft == allowed
    assert (b"too few open files for --max_connections 1024" in logged) == (allowed < 2304)


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run("--port", port, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.decode().startswith("speech-to-speech: ")
    assert port in ended.stderr.decode()
    assert ended.stderr.count(b"\n") == 1


def test_ask_with_the_embedded_engines(tmp_path: Path) -> None:
    asked = run("ask", QUESTION, cwd=tmp_path)
    assert asked.returncode == 0, asked.stderr.decode()
    lines = asked.stdout.decode().splitlines()
    assert lines[:2] == [f"heard:  {HEARD}", f"answer: {HEARD}"]
    assert re.fullmatch(
        r"time:   recognition \d+ ms, model \d+ ms, synthesis \d+ ms, first audio after \d+ ms, all \d+ ms", lines[2]
    )
    with wave.open(str(tmp_path / "answer.wav")) as answer:
        assert answer.getnframes() / 24_000 > 0.5  # the header is true: wave reads exactly what it declares


@pytest.mark.parametrize("ending", ["mp3", "flac"])
def test_ask_reads_standard_input_and_writes_what_the_name_says(tmp_path: Path, ending: str) -> None:
    asked = run("ask", "-", "-o", f"said.{ending}", stdin=Path(QUESTION).read_bytes(), cwd=tmp_path)
    assert asked.returncode == 0, asked.stderr.decode()
    assert (tmp_path / f"said.{ending}").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "status", "names"),
    [
        (["ask", "nowhere.wav"], 2, "nowhere.wav"),
        (["ask", QUESTION, "-o", "answer.doc"], 2, "answer.doc"),
        (["ask", QUESTION, "-o", "no/such/folder/answer.wav"], 2, "no/such/folder"),
        (["ask", "--url", "http://127.0.0.1:9/v1", QUESTION], 1, "127.0.0.1:9"),
        (["ask", "-"], 1, "empty"),
    ],
)
def test_what_cannot_be_asked_is_one_line(tmp_path: Path, arguments: list[str], status: int, names: str) -> None:
    ended = run(*arguments, cwd=tmp_path)
    assert ended.returncode == status
    said = [line for line in ended.stderr.decode().splitlines() if not line.startswith("No model is set")]
    assert len(said) == 1
    assert said[0].startswith("speech-to-speech: ")
    assert names in said[0]
    assert list(tmp_path.iterdir()) == []


def test_the_only_route_that_cannot_load_ends_the_process(tmp_path: Path) -> None:
    """A recogniser whose workers cannot start: the port opens, loading fails, the status is 1."""
    broken = tmp_path / "pocketsphinx.py"
    broken.write_text("raise ImportError('broken on purpose')\n")
    process = subprocess.run(
        [COMMAND, "--port", "0"],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 1, process.stderr.decode()
    assert "cannot be served" in process.stderr.decode()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ask", QUESTION, "--model_name", "./absent"), "--model_name './absent' does not exist"),
        (("check", "--model_name", "./absent"), "--model_name './absent' does not exist"),
        (("--llm_backend", "mlx-lm", "--model_name", "./absent"), "--model_name './absent' does not exist"),
        (("--stt", "transformers", "--stt_model", "./absent"), "--stt_model './absent' does not exist"),
        (("--stt", "transformers", "--stt_device", "cuda:63"), "--stt_device 'cuda:63' is not available"),
        (("--llm_gen_max_new_token", "5"), "max_new_tokens"),
        (("--llm_gen_max_new_tokens=many",), "'many'"),
    ],
)
def test_a_model_that_cannot_be_loaded_here_is_one_line_before_anything_begins(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    for package in ("torch", "transformers", *(["mlx_lm"] if "mlx-lm" in words else [])):
        if find_spec(package) is None:
            pytest.skip(f"needs {package}")
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert says in line


def test_so_it_is_for_the_command(tmp_path: Path) -> None:
    ended = run("--port", "0", "--model_name", "./absent", cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr.count(b"\n")) == (2, b"", 1)


def test_config_says_where_values_come_from() -> None:
    shown = run("config", "--voice", "nova", "--responses_api_api_key", "sk-secret").stdout.decode()
    assert "flag --voice" in shown
    assert "sk-secret" not in shown
    assert json.dumps("nova") in shown


def test_a_gateway_with_keys_is_asked_with_one(tmp_path: Path) -> None:
    key = "sk-a-key-for-this-test"
    with serving("--api_keys", key) as (address, _):
        wait_until_ready(address)
        ask = ("ask", QUESTION, "--url", f"{address}/v1")
        without = run(*ask, cwd=tmp_path)
        assert without.returncode == 1
        assert b"give it with --key" in without.stderr
        assert run(*ask, "--key", key, cwd=tmp_path).returncode == 0
        by_variable = subprocess.run(
            [COMMAND, *ask],
            cwd=tmp_path,
            env={**os.environ, "SPEECH_GATEWAY_KEY": key},
            capture_output=True,
            check=False,
        )
        assert by_variable.returncode == 0, by_variable.stderr


def test_a_key_without_a_url_is_for_nobody(tmp_path: Path) -> None:
    asked = run("ask", QUESTION, "--key", "sk-a-key-for-this-test", cwd=tmp_path)
    assert asked.returncode == 2
    assert b"--key is for the gateway of --url" in asked.stderr


def test_beyond_loopback_it_asks_for_keys(tmp_path: Path) -> None:
    refused = run("--host", "0.0.0.0", "--port", "0", cwd=tmp_path)
    assert refused.returncode == 2
    (line,) = refused.stderr.decode().splitlines()
    assert "--api_keys" in line
    assert "--allow_anonymous" in line


@pytest.mark.skipif(sys.platform == "win32", reason="goes without SIGHUP")
def test_keys_are_read_again_at_a_signal(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"

    def admit(key: str) -> None:
        digest = hashlib.sha256(key.encode()).hexdigest()
        file.write_text(f'[[keys]]\nname = "me"\nhash = "sha256:{digest}"\n', encoding="utf-8")

    def status(address: str, key: str) -> int:
        return httpx.get(f"{address}/v1/models", headers={"authorization": f"Bearer {key}"}).status_code

    admit("sk-the-first-key-of-all")
    log = tmp_path / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [COMMAND, "--port", "0", str(file)], stdout=subprocess.PIPE, stderr=written, cwd=tmp_path
        )
    try:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline().decode())
        assert found
        wait_until_ready(found[0])
        assert status(found[0], "sk-the-first-key-of-all") == 200
        admit("sk-the-second-key-of-all")
        process.send_signal(signal.SIGHUP)
        for _ in range(500):
            if status(found[0], "sk-the-second-key-of-all") == 200:
                break
            time.sleep(0.02)
        assert status(found[0], "sk-the-second-key-of-all") == 200
        assert status(found[0], "sk-the-first-key-of-all") == 401
        file.write_text("port = [", encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        for _ in range(500):
            if "gateway.toml" in log.read_text():
                break
            time.sleep(0.02)
        assert "gateway.toml" in log.read_text()
        assert status(found[0], "sk-the-second-key-of-all") == 200, "a file that cannot be used changes nothing"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_reload_that_fails_unexpectedly_does_not_end_the_workers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def reread() -> Loaded:
        raise RuntimeError("marzipan")

    loaded = load(["--llm_backend=echo"], {})
    assert not _Crew(loaded, reread, (), tmp_path)._reload()
    assert "the settings are not reloaded: an engine failed unexpectedly (RuntimeError)" in caplog.text
    assert "marzipan" not in caplog.text

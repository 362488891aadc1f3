"""Whatever stands behind the URL, a command ends with one line, in time, and leaves no half file."""

import base64
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gateway.cli import remote_answer
from gateway.cli.main import main
from tests.support.server import QUESTION

OK = b"HTTP/1.1 200 OK\r\nconnection: close\r\n"
SSE = OK + b"content-type: text/event-stream\r\n\r\n"

STRANGE = {
    "HTML": OK + b"content-type: text/html\r\n\r\n<html><title>Router</title></html>",
    "HTML as a failure": b"HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-type: text/html\r\n\r\n<html>",
    "a redirect to itself": b"HTTP/1.1 307 Moved\r\nlocation: /v1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    "a redirect to nowhere": b"HTTP/1.1 301 Moved\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    "nothing": b"",
    "an empty answer": OK + b"content-length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
    "half a status line": b"HTTP/1.1 20",
    "half of the headers": b"HTTP/1.1 200 OK\r\ncontent-ty",
    "half of the body": OK + b"content-type: text/event-stream\r\ncontent-length: 900\r\n\r\ndata: {",
    "another protocol": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "bytes": bytes(range(256)) * 4,
    "a wrong gzip": OK + b"content-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\nnot gzip",
    "no charset that there is": OK + b"content-type: text/event-stream; charset=klingon\r\n\r\ndata: {}\n\n",
    "bytes as events": SSE + b"data: \xff\xfe\n\n",
    "words as events": SSE + b"data: hello\n\n",
    "a number as event": SSE + b"data: 1\n\n",
    "a list as event": SSE + b"data: []\n\n",
    "an event without a type": SSE + b'data: {"delta": "x"}\n\n',
    "a type that is no text": SSE + b'data: {"type": 1}\n\n',
    "audio that is no text": SSE + b'data: {"type": "speech.audio.delta", "audio": 1}\n\n',
    "audio that is no base64": SSE + b'data: {"type": "speech.audio.delta", "audio": "?"}\n\n',
    "times that are none": SSE + b'data: {"type": "speech.audio.done", "timings": "soon"}\n\n',
    "an error as event": SSE + b'data: {"error": {"message": "It broke."}}\n\n',
    "an error of another shape": SSE + b'data: {"error": "It broke."}\n\n',
    "brackets": SSE + b"data: " + b"[" * 100_000 + b"\n\n",
    "chat": SSE + b'data: {"choices": [{"delta": {"content": "Hi"}}]}\n\ndata: [DONE]\n\n',
    "JSON": OK + b'content-type: application/json\r\n\r\n{"object": "list", "data": []}',
}


@contextmanager
def saying(answer: bytes, *, hold: bool = False, heard: list[bytes] | None = None) -> Iterator[str]:
    """A server that reads what comes and sends ``answer``; with ``hold`` it keeps the connection. Its address."""
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(0.2)
                    with suppress(TimeoutError):
                        while data := connection.recv(65536):
                            if heard is not None:
                                heard.append(data)
                    connection.sendall(answer)
                    if hold:
                        ended.wait(20)
                    connection.shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            ended.set()
            thread.join(20)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_no_gateway_is_told_in_one_line(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with saying(STRANGE[name]) as url:
        assert main(["ask", str(QUESTION), "--url", url]) == 1
    said = capsys.readouterr().err
    assert said.startswith("speech-to-speech: ")
    assert said.count("\n") == 1
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("given", "said"), [((), "give it with --key"), (("--key", "sk-wrong"), "Not that one.")])
def test_a_gateway_that_wants_a_key_says_so(
    given: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = b"HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-type: application/json\r\n\r\n"
    with saying(refusal + b'{"error": {"message": "Not that one."}}') as url:
        assert main(["ask", str(QUESTION), "--url", url, *given]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "environment",
    [
        {"NO_PROXY": "[::1],127.0.0.1,fd07:b51a:cc66::/64", "HTTP_PROXY": "http://127.0.0.1:9"},
        {"NO_PROXY": "127.0.0.0/8", "ALL_PROXY": "socks://127.0.0.1:9"},
        {"no_proxy": "localhost,127.0.0.1,::1", "all_proxy": "socks5://127.0.0.1:9"},
    ],
)
def test_proxies_that_are_not_for_the_gateway_do_not_stop_the_command(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = (
        SSE + b'data: {"type": "speech.text.delta", "delta": "Hi."}\n\ndata: {"type": "speech.audio.done", "timings": '
    )
    times = b'{"stt_ms": 1, "llm_first_ms": 1, "tts_first_ms": 1, "first_audio_ms": 1, "total_ms": 1}}\n\n'
    with saying(done + times) as url:
        assert main(["ask", str(QUESTION), "--url", url]) == 0
    assert "Hi." in capsys.readouterr().out


def test_a_proxy_is_asked_with_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[bytes] = []
    with saying(SSE, heard=asked) as proxy:
        place = proxy.removeprefix("http://").removesuffix("/v1")
        monkeypatch.setenv("HTTP_PROXY", f"http://user:pass%20word@{place}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert main(["ask", str(QUESTION), "--url", "http://gateway.example/v1"]) == 1
    head = b"".join(asked).partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"post http://gateway.example/v1/audio/speech-to-speech")
    assert b"proxy-authorization: basic " + base64.b64encode(b"user:pass word").lower() in head
    assert "pass" not in capsys.readouterr().err


def test_a_proxy_that_cannot_be_used_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://user:secret@127.0.0.1:9")
    assert main(["ask", str(QUESTION), "--url", "http://gateway.example/v1"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "HTTP_PROXY names the proxy gopher://127.0.0.1:9" in said


def test_a_server_that_says_nothing_is_not_waited_for_without_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(remote_answer, "SILENT_SECONDS", 0.5)
    with saying(b"", hold=True) as url:
        assert main(["ask", str(QUESTION), "--url", url]) == 1
    assert "said nothing for 0.5 s" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")
def test_a_command_that_is_ended_leaves_no_half_file(folder: Path) -> None:
    command = [sys.executable, "-m", "gateway", "ask", str(QUESTION), "-o", "a.mp3"]
    begun = SSE + b'data: {"type": "speech.text.delta", "delta": "Well"}\n\n'
    with saying(begun, hold=True) as url:
        process = subprocess.Popen(
            [*command, "--url", url], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.read(4) == "Well"
        assert [path.suffix for path in folder.iterdir()] == [".part"]
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in said
    assert list(folder.iterdir()) == []

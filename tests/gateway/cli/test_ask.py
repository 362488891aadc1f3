"""Asking on the terminal: what goes wrong is one line, and an older answer is kept until a new one is whole."""

import base64
import json
import random
import resource
import sys
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import soundfile

from gateway.cli.answer_file import AnswerFile, NoAnswer
from gateway.cli.main import main
from tests.support.server import QUESTION

OLDER = b"an older answer"
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def complaint(status: int, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says on stderr, one line, when it ends with ``status``."""
    assert main(["ask", str(QUESTION), *arguments]) == status
    said = capsys.readouterr().err
    assert said.startswith("speech-to-speech: ")
    assert said.count("\n") == 1
    return said


@contextmanager
def answering(body: bytes, status: int = 200, *headers: tuple[str, str]) -> Iterator[str]:
    """A server that answers one request with ``body`` and hangs up; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        close_connection = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            for name, value in (("connection", "close"), *headers):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            thread.join(20)


@contextmanager
def at_most(file_bytes: int) -> Iterator[None]:
    """No file grows beyond ``file_bytes``, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def event(**fields: object) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


SOUND = event(type="speech.audio.delta", audio=base64.b64encode(bytes(4800)).decode())
TIMES = {"stt_ms": 1, "llm_first_ms": 1, "tts_first_ms": 1, "first_audio_ms": 1, "total_ms": 1}
DONE = event(type="speech.audio.done", timings=TIMES)
CHUNKED = ("transfer-encoding", "chunked")
TYPE = ("content-type", "text/event-stream")


@pytest.mark.parametrize("url", [["--url", NOWHERE], []], ids=["elsewhere", "here"])
def test_a_folder_is_no_place_for_an_answer(folder: Path, capsys: pytest.CaptureFixture[str], url: list[str]) -> None:
    (folder / "d.wav").mkdir()
    assert "'d.wav': it is a folder" in complaint(2, capsys, "-o", "d.wav", *url)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux has it")
def test_a_folder_that_takes_no_files_is_known_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Cannot write '/proc/x.wav'" in complaint(2, capsys, "-o", "/proc/x.wav", "--url", NOWHERE)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "notaurl",
        "http://[::1",
        "localhost:8765/v1",
        "localhost",
        "ftp://h/v1",
        "http://",
        "http://h:99999/v1",
        "http://a..b/",
    ],
)
def test_what_is_no_address_is_known_before_anything_is_asked(capsys: pytest.CaptureFixture[str], url: str) -> None:
    assert repr(url) in complaint(2, capsys, "--url", url)


def test_a_closed_standard_input_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["ask", "-", "--url", NOWHERE]) == 2
    assert "standard input is closed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("body", "headers", "told"),
    [
        (b"%x\r\n%s\r\n" % (len(SOUND), SOUND), (TYPE, CHUNKED), "broke off"),
        (SOUND, (TYPE,), "broke off"),
        (b"", (TYPE,), "broke off"),
        (SOUND + event(error={"message": "The model\nfell over."}), (TYPE,), "The model fell over."),
    ],
    ids=["cut", "ended early", "empty", "failed"],
)
def test_an_answer_that_fails_on_the_way_leaves_the_older_one(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    body: bytes,
    headers: tuple[tuple[str, str], ...],
    told: str,
) -> None:
    older = folder / "answer.mp3"
    older.write_bytes(OLDER)
    with answering(body, 200, *headers) as url:
        said = complaint(1, capsys, "--url", url, "-o", older.name)
    assert told in said
    assert "No gateway answers" not in said
    assert list(folder.iterdir()) == [older]
    assert older.read_bytes() == OLDER


def test_nobody_there_leaves_the_older_one_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = folder / "answer.wav"
    older.write_bytes(OLDER)
    assert f"No gateway answers at {NOWHERE}" in complaint(1, capsys, "--url", NOWHERE)
    assert list(folder.iterdir()) == [older]
    assert older.read_bytes() == OLDER


def test_a_page_in_place_of_an_answer_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    page = b"<html>\n<p>Bad gateway\n" + b"<p>long story\n" * 1000
    with answering(page, 502, ("content-type", "text/html")) as url:
        assert len(complaint(1, capsys, "--url", url)) < 600


def test_a_whole_answer_takes_the_place_of_the_older_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = folder / "answer.wav"
    older.write_bytes(OLDER)
    with answering(SOUND + SOUND + DONE, 200, TYPE) as url:
        assert main(["ask", str(QUESTION), "--url", url]) == 0
    assert "wrote:  answer.wav (0.2 s)" in capsys.readouterr().out
    assert list(folder.iterdir()) == [older]
    with wave.open(str(older)) as answer:
        assert answer.getnframes() == 4800


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_a_header_tells_the_true_length(folder: Path, ending: str) -> None:
    noise = random.Random(1).randbytes(9600)
    with AnswerFile(f"answer.{ending}") as file:
        assert file.wire_format == "pcm"
        for start in range(0, len(noise), 1001):  # most slices end within a sample
            file.write(noise[start : start + 1001])
    samples, rate = soundfile.read(folder / f"answer.{ending}", dtype="int16")
    assert (samples.tobytes(), rate) == (noise, 24_000)
    assert file.summary() == f"wrote:  answer.{ending} (0.2 s)"


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3"])
@pytest.mark.parametrize("seconds", [0.1, 1], ids=["at the end", "on the way"])
def test_a_full_disk_is_one_line_and_leaves_the_older_one(
    folder: Path, capsys: pytest.CaptureFixture[str], ending: str, seconds: float
) -> None:
    older = folder / f"answer.{ending}"
    older.write_bytes(OLDER)
    noise = base64.b64encode(random.Random(1).randbytes(round(48_000 * seconds))).decode()
    body = event(type="speech.audio.delta", audio=noise) * 2 + DONE
    with answering(body, 200, TYPE) as url, at_most(4000):
        assert f"Cannot write 'answer.{ending}'" in complaint(1, capsys, "--url", url, "-o", older.name)
    assert list(folder.iterdir()) == [older]
    assert older.read_bytes() == OLDER


def test_a_failure_does_not_stand_on_the_line_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    heard = event(type="transcript.text.done", text="hi", language="en")
    with answering(heard + event(type="speech.text.delta", delta="Half"), 200, TYPE) as url:
        assert main(["ask", str(QUESTION), "--url", url]) == 1
    assert capsys.readouterr().out == "heard:  hi\nanswer: Half\n"


def test_a_whole_answer_has_no_empty_line(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(event(type="speech.text.delta", delta="Hi.") + SOUND + DONE, 200, TYPE) as url:
        assert main(["ask", str(QUESTION), "--url", url]) == 0
    assert "\n\n" not in capsys.readouterr().out


@pytest.mark.parametrize("path", ["", "/", "/v1"])
def test_an_address_without_a_path_means_v1(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "No gateway answers at http://127.0.0.1:9/v1;" in complaint(1, capsys, "--url", f"http://127.0.0.1:9{path}")


def test_an_answer_without_sound_leaves_the_older_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = folder / "answer.wav"
    older.write_bytes(OLDER)
    with answering(DONE, 200, TYPE) as url:
        assert main(["ask", str(QUESTION), "--url", url]) == 0
    assert "nothing to say" in capsys.readouterr().out
    assert list(folder.iterdir()) == [older]
    assert older.read_bytes() == OLDER


def test_an_interrupted_answer_leaves_nothing(folder: Path) -> None:
    def interrupted() -> None:
        with AnswerFile("answer.wav") as file:
            file.write(bytes(100))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(folder.iterdir()) == []


def test_a_place_that_is_taken_meanwhile_is_told(folder: Path) -> None:
    with pytest.raises(NoAnswer, match=r"Cannot write 'answer\.wav'"):
        with AnswerFile("answer.wav") as file:
            file.write(bytes(100))
            (folder / "answer.wav").mkdir()
    assert list((folder / "answer.wav").iterdir()) == []
    assert list(folder.iterdir()) == [folder / "answer.wav"]


@pytest.mark.parametrize(
    ("url", "status"),
    [("http://user:hidden@127.0.0.1:9/v1", 1), ("ftp://user:hidden@host", 2), ("user:hidden@host", 2)],
)
def test_an_address_is_shown_without_its_password(url: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(status, capsys, "--url", url)
    assert "***@" in said
    assert "hidden" not in said

"""What the commands say can be printed everywhere, and output that cannot be written ends in one line at most."""

import os
import subprocess
import sys
import tomllib
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.support.server import QUESTION

WORDS = "Grüße, 世界 🙂"


def run(*arguments: str, encoding: str, stdout: str = "") -> subprocess.CompletedProcess[bytes]:
    """Run the command where streams have ``encoding``, standard output going to the file ``stdout`` if given."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "S2S_INIT_CHAT_PROMPT": WORDS}
    command = [sys.executable, "-m", "gateway", *arguments]
    with Path(stdout).open("wb") if stdout else nullcontext(subprocess.PIPE) as output:
        return subprocess.run(command, env=environment, stdout=output, stderr=subprocess.PIPE, timeout=60, check=False)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8", "utf-16"])
def test_settings_can_be_printed_in_any_encoding_and_read_again(encoding: str) -> None:
    ran = run("config", encoding=encoding)
    assert (ran.returncode, ran.stderr) == (0, b"")
    settings = tomllib.loads(ran.stdout.decode(encoding))
    assert settings["init_chat_prompt"] == WORDS


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_complaint_quotes_what_its_console_cannot_say(encoding: str) -> None:
    ran = run("ask", f"{WORDS}.wav", encoding=encoding)
    assert ran.returncode == 2
    assert ran.stderr.count(b"\n") == 1
    assert b"Traceback" not in ran.stderr
    assert b"\\u4e16" in ran.stderr


def test_a_question_is_asked_on_a_console_that_knows_ascii_only(tmp_path: Path) -> None:
    ran = run("ask", str(QUESTION), "-o", str(tmp_path / "a.wav"), encoding="ascii")
    assert (ran.returncode, b"Traceback" in ran.stderr) == (0, False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
@pytest.mark.parametrize("arguments", [["config"], ["--help"], ["--version"], ["config", "--example"]])
def test_output_that_is_full_is_one_line(arguments: list[str]) -> None:
    ran = run(*arguments, encoding="utf-8", stdout="/dev/full")
    assert ran.returncode == 1
    assert ran.stderr == b"speech-to-speech: Cannot write to standard output: No space left on device.\n"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="only Unix has it")
def test_a_file_without_an_end_is_too_large() -> None:
    ran = run("ask", "/dev/zero", encoding="utf-8")
    assert ran.returncode == 2
    assert b"it is larger than the 26214400 bytes of a recording" in ran.stderr

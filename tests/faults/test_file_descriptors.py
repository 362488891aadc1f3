"""A server that may open no more files, in a process of its own: it lives on, says so, and works when some are free."""

import re
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.support.http_client import ROUTE, form

COMMAND = str(Path(sys.executable).parent / "speech-to-speech")
FILES = 80
MOST_LOG_LINES = 400
"""Of some seconds without a free file: neither a flood nor silence."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="limits are set by a shell there"),
    pytest.mark.timeout(120),
]


@contextmanager
def serving(log: Path) -> Iterator[tuple[str, int]]:
    """The address and process of a server that may have ``FILES`` files open. It ends in order; ``log`` is its log."""
    flags = "--port 0 --llm_backend echo --stt pocketsphinx --tts espeak --max_connections 1000"
    command = ["sh", "-c", f"ulimit -n {FILES}; exec {shlex.quote(COMMAND)} {flags}"]
    with log.open("wb") as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process:
        try:
            assert process.stdout is not None
            found = re.search(rb"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found
            yield found[0].decode(), process.pid
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def asked(client: httpx.Client) -> int | None:
    """The status of a whole turn, ``None`` when there is none."""
    with suppress(httpx.TransportError):
        return client.post(ROUTE, **form()).status_code
    return None


def until_asked(client: httpx.Client) -> None:
    ending = time.monotonic() + 40
    while (status := asked(client)) != 200:
        assert time.monotonic() < ending, status
        time.sleep(0.2)


def test_connections_that_say_nothing_do_not_take_the_last_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(log) as (address, _):
        url = httpx.URL(address)
        with httpx.Client(base_url=address, timeout=20) as client:
            until_asked(client)
        held = [socket.create_connection((url.host, url.port), timeout=20) for _ in range(2 * FILES)]
        with httpx.Client(base_url=address, timeout=20) as client:
            assert asked(client) == 200
        for connection in held:
            connection.close()
    assert "the system allows too few open files for --max_connections 1000: it is" in log.read_text(encoding="utf-8")


def test_no_more_files_can_be_open_for_a_while(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(log) as (address, process):
        url = httpx.URL(address)
        with (
            httpx.Client(base_url=address, timeout=20) as connected,
            httpx.Client(base_url=address, timeout=5) as coming,
        ):
            until_asked(connected)
            highest = max(int(each.name) for each in Path(f"/proc/{process}/fd").iterdir())
            resource.prlimit(process, resource.RLIMIT_NOFILE, (highest + 1, FILES))
            held = [socket.create_connection((url.host, url.port), timeout=20) for _ in range(FILES)]
            assert asked(coming) is None, "its connection needs a file"
            assert connected.get("/health").status_code == 200
            assert asked(connected) == 200, "what it needs is open"
            for connection in held:
                connection.close()
            resource.prlimit(process, resource.RLIMIT_NOFILE, (FILES, FILES))
            until_asked(coming)
            until_asked(connected)
    said = log.read_text(encoding="utf-8")
    assert "Traceback" not in said
    assert said.count("\n") < MOST_LOG_LINES

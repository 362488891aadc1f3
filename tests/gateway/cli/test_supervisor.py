"""Several workers as people run them: real processes on one port, with a real redis-server."""

import asyncio
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.metrics import Scrape
from tests.support.redis_server import redis_server
from tests.support.threaded_upstream import ThreadedUpstream
from tests.support.upstream_server import Exchange, replies, streams

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one process")

COMMAND = str(Path(sys.executable).parent / "speech-to-speech")
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Loads no certificates, which takes longer than a request."""

SILENT = "http://127.0.0.1:9/v1"
LIGHT = f'stt = "openai"\nstt_base_url = "{SILENT}"\ntts = "openai"\ntts_base_url = "{SILENT}"\nvad = "none"\n'
ECHO = '[[routes]]\nname = "{name}"\nllm_backend = "echo"\n' + LIGHT
ASKED = {"model": "a", "messages": [{"role": "user", "content": "Hi"}]}


class Crew:
    """The gateway, and its workers."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, log: Path) -> None:
        self.process, self.address, self._log = process, address, log

    @property
    def logged(self) -> str:
        return self._log.read_text()

    @property
    def workers(self) -> set[int]:
        """The process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return set(map(int, children.read_text().split()))

    def get(self, path: str) -> httpx.Response:
        """Ask on a new connection, so that any worker may answer."""
        return httpx.get(self.address + path, timeout=20, verify=PLAIN)

    def post(self, body: Any, path: str = "/v1/chat/completions") -> httpx.Response:
        return httpx.post(self.address + path, json=body, timeout=20, verify=PLAIN)

    def ready(self) -> bool:
        with suppress(httpx.TransportError):
            return self.get("/ready").status_code == 200
        return False


def until(condition: Callable[[], Any], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def running(tmp_path: Path, settings: str, *flags: str, workers: int = 2) -> Iterator[Crew]:
    file, log = tmp_path / "gateway.toml", tmp_path / "log"
    file.write_text(settings)
    with redis_server() as (url, _), log.open("wb") as written:
        shared = ("--conversation_store", url, "--usage_store", url)
        command = [COMMAND, "--port", "0", "--workers", str(workers), *shared, *flags, str(file)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=written)
        workers_seen: set[int] = set()
        try:
            assert process.stdout is not None
            said = process.stdout.readline().decode()
            found = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert found, said + log.read_text()
            crew = Crew(process, found[0], log)
            until(crew.ready)
            workers_seen = crew.workers
            yield crew
        finally:
            process.kill()
            process.communicate()
    until(lambda: not any(Path(f"/proc/{each}").exists() for each in workers_seen))  # also when the first was killed


def test_workers_are_one_gateway(tmp_path: Path) -> None:
    key = '[[keys]]\nname = "me"\nkey = "sk-the-only-key-of-all"\nadmin = true\nlimits.requests_per_day = {most}\n'
    settings = ECHO.format(name="a") + key.format(most=30)
    headers = {"authorization": "Bearer sk-the-only-key-of-all"}
    with running(tmp_path, settings) as crew:
        assert len(crew.workers) == 2
        assert crew.get("/ready").json()["workers"] == ["ready", "ready"]
        last: str | None = None
        asked = 0
        for number in range(12):
            body = {"model": "a", "input": f"word {number}", **({"previous_response_id": last} if last else {})}
            answer = httpx.post(f"{crew.address}/v1/responses", json=body, headers=headers, timeout=20)
            assert answer.status_code == 200, answer.text
            last, asked = answer.json()["id"], asked + 1
        statuses = []
        for _ in range(20):
            statuses.append(httpx.post(f"{crew.address}/v1/chat/completions", json=ASKED, headers=headers).status_code)
        assert statuses == [200] * (30 - asked) + [429] * (asked + 20 - 30)
        usage = httpx.get(f"{crew.address}/v1/usage", headers=headers).json()["data"]
        assert [row["turns"] for row in usage] == [30]
        seen = Scrape(httpx.get(f"{crew.address}/metrics", headers=headers).text)
        assert seen.value("turns_total", outcome="completed") == 30
        assert (seen.value("usage_today", quantity="turns"), seen.value("limit")) == (30, 30)
        crew.process.send_signal(signal.SIGTERM)
        assert crew.process.wait(timeout=30) == 0
        assert "Traceback" not in crew.logged


def test_under_load_all_workers_serve_and_are_counted_as_one(tmp_path: Path) -> None:
    def spent(pid: int) -> int:
        """The processor time of a process, in ticks."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    with running(tmp_path, ECHO.format(name="a")) as crew, ThreadPoolExecutor(16) as threads:
        before = {pid: spent(pid) for pid in crew.workers}
        turns = [threads.submit(crew.post, ASKED | {"stream": number % 2 == 0}) for number in range(300)]
        assert {turn.result().status_code for turn in turns} == {200}
        assert all(spent(pid) > before[pid] for pid in crew.workers)
        assert Scrape(crew.get("/metrics").text).value("turns_total", outcome="completed") == 300


def test_a_worker_that_dies_is_replaced_with_a_line_in_the_log(tmp_path: Path) -> None:
    with running(tmp_path, ECHO.format(name="a")) as crew:
        before = crew.workers
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(crew.workers) == 2 and victim not in crew.workers)
        until(crew.ready)
        assert [crew.post(ASKED).status_code for _ in range(16)] == [200] * 16
        assert re.search(rf"worker \d \(process {victim}\) ended with signal SIGKILL and is replaced", crew.logged)


def test_workers_that_die_again_and_again_end_the_gateway(tmp_path: Path) -> None:
    with running(tmp_path, ECHO.format(name="a")) as crew:

        def kill_one() -> bool:
            for pid in list(crew.workers)[:1]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return crew.process.poll() is not None

        until(kill_one)
        assert crew.process.returncode == 1
        assert "the 5th within a minute, all end" in crew.logged


@pytest.mark.parametrize("all_are_told", [False, True], ids=["the first process", "all, as systemd does"])
def test_turns_that_run_finish_when_the_gateway_is_told_to_end(tmp_path: Path, all_are_told: bool) -> None:
    word = {"id": "c", "choices": [{"index": 0, "delta": {"content": "late"}, "finish_reason": None}]}
    end = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}

    go = threading.Event()

    async def slow(exchange: Exchange) -> None:
        if exchange.method == "GET":
            return await replies(200, {"data": []})(exchange)
        while not go.is_set():
            await asyncio.sleep(0.02)
        return await streams(word, end, "[DONE]")(exchange)

    with ThreadedUpstream(slow) as upstream:
        settings = (
            f'[[routes]]\nname = "a"\nllm_backend = "chat-completions"\n{LIGHT}'
            f'responses_api_base_url = "{upstream.base_url}"\n'
        )
        with running(tmp_path, settings) as crew:
            with ThreadPoolExecutor(8) as threads:
                turns = [threads.submit(crew.post, ASKED | {"stream": True}) for _ in range(8)]
                until(lambda: Scrape(crew.get("/metrics").text).value("turns_in_flight") == 8)
                for pid in (*(crew.workers if all_are_told else ()), crew.process.pid):
                    os.kill(pid, signal.SIGTERM)
                until(lambda: "shutting down" in crew.logged)
                go.set()
                assert all(b"late" in turn.result().content for turn in turns)
            assert crew.process.wait(timeout=30) == 0


def test_a_reload_reaches_all_workers_and_a_wrong_one_none(tmp_path: Path) -> None:
    with running(tmp_path, ECHO.format(name="a")) as crew:
        file = tmp_path / "gateway.toml"
        file.write_text(ECHO.format(name="b"))
        crew.process.send_signal(signal.SIGHUP)
        until(lambda: crew.logged.count("reloaded: 1 routes") == 2)
        assert {crew.post(ASKED).status_code for _ in range(16)} == {404}
        assert {crew.post(ASKED | {"model": "b"}).status_code for _ in range(16)} == {200}
        file.write_text("port = [")
        crew.process.send_signal(signal.SIGHUP)
        until(lambda: "the settings are not reloaded" in crew.logged)
        victim = min(crew.workers)
        os.kill(victim, signal.SIGKILL)  # the one in its place has the last settings that worked
        until(lambda: len(crew.workers) == 2 and victim not in crew.workers)
        until(crew.ready)
        assert {crew.post(ASKED | {"model": "b"}).status_code for _ in range(16)} == {200}
        assert crew.logged.count("the settings are not reloaded") == 1


def test_workers_end_when_the_first_process_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, ECHO.format(name="a")) as crew:
        workers = crew.workers
        crew.process.kill()
        until(lambda: not any(Path(f"/proc/{each}").exists() for each in workers))


def test_a_port_that_another_gateway_has_is_not_shared(tmp_path: Path) -> None:
    with running(tmp_path, ECHO.format(name="a")) as crew:
        port = crew.address.rpartition(":")[2]
        flags = ["--workers", "2", "--port", port, "--stt", "pocketsphinx", "--tts", "espeak", "--llm_backend", "echo"]
        stores = ["--conversation_store", "redis://localhost:9/0", "--usage_store", "redis://localhost:9/0"]
        ended = subprocess.run([COMMAND, *flags, *stores], capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in ended.stderr.decode()

"""Starts the benchmark's other processes and ends them, whatever happens."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
_ENDING_SECONDS = 10.0
_LOADING_SECONDS = 15.0


class Child:
    """A running module of this folder that is talked to in lines."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self, line: str) -> str:
        """Send a line and give the next one."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.line()

    def line(self) -> str:
        """The next line. Raises ``RuntimeError`` when the process has ended instead."""
        assert self._process.stdout is not None
        if not (line := self._process.stdout.readline()):
            raise RuntimeError(f"{' '.join(map(str, self._process.args))} ended")  # type: ignore[arg-type]
        return line


@contextmanager
def running(module: str, *arguments: str) -> Iterator[Child]:
    """Run ``tests.bench.<module>`` with ``arguments`` for as long as the block lasts."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Child(process)
        finally:
            process.terminate()
            try:
                process.wait(_ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_ready(port: int) -> None:
    """Wait until the gateway at ``port`` is ready. Raises ``TimeoutError`` when it does not become so."""
    deadline = time.monotonic() + _LOADING_SECONDS
    # One client: to make one takes longer than to ask, and the gateway needs the processor to load.
    with httpx.Client() as http:
        while time.monotonic() < deadline:
            try:
                if http.get(f"http://127.0.0.1:{port}/ready").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
    raise TimeoutError("the gateway did not become ready")

"""A real redis-server on a free port of 127.0.0.1, without anything on disk; tests that want it skip without it."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest


@contextmanager
def redis_server(*flags: str) -> Generator[tuple[str, subprocess.Popen[bytes]], None, None]:
    """The URL and the process of a server that is ended with the block."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server")
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder, *flags]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            _wait(port, server)
            yield f"redis://127.0.0.1:{port}/0", server
        finally:
            server.kill()
            server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(64).startswith((b"+PONG", b"-NOAUTH")):
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise AssertionError("redis-server did not start")

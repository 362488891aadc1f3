"""A real redis-server on a free port of 127.0.0.1, without anything on disk; tests that want it skip without it."""

import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

import pytest


@contextmanager
def redis_server(*flags: str, port: int | None = None) -> Generator[tuple[str, subprocess.Popen[bytes]], None, None]:
    """The URL and the process of a server that is ended with the block; without ``port`` it takes a free one."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server")
    with tempfile.TemporaryDirectory() as folder:
        port = port or free_port()
        command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder, *flags]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            _wait(port, server)
            yield f"redis://127.0.0.1:{port}/0", server
        finally:
            server.kill()
            server.wait()


def free_port() -> int:
    """A port below those that the system gives to clients and to servers that take any: nobody else takes it meanwhile.

    Tests that run side by side draw different ones; ``random`` would not do, its seed is set by some tests.
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
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

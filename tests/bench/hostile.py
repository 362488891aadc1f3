"""What hostile clients cost the gateway: memory, and how long it answers nobody else. None sends more than 300 MB.

Run as ``python -m tests.bench.hostile [FOLDER]``; FOLDER is a checkout to compare with. The attack named ``ATTACK`` at
the gateway on ``PORT`` is ``python -m tests.bench.hostile ATTACK PORT``, a process that does not slow the watch down.
"""

import base64
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

ROUTE = "/v1/audio/speech-to-speech"
MEGABYTE = 1_000_000
RECORDING = 26_000_000
"""Bytes of an upload, close to the largest."""

SILENT_SECONDS = 45
"""How long connections that say nothing are watched."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Megabytes of resident memory that an attack added, at most and for good; the longest wait for ``/health``."""

    peak: float
    left: float
    stall: float


class Watch:
    """Asks for ``/health`` and for the memory of the process, over and over."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid = pid
        self._port = port
        self._over = threading.Event()
        self._peak = self._stall = 0.0
        self._thread = threading.Thread(target=self._run)

    def memory(self) -> float:
        """Megabytes that are resident."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) * 1024 / MEGABYTE

    def cost_of(self, attack: str) -> Cost:
        """Watch while ``attack`` runs, and for two seconds after it."""
        before = self.memory()
        self._thread.start()
        subprocess.run([sys.executable, "-m", "tests.bench.hostile", attack, str(self._port)], check=True)
        time.sleep(2)
        self._over.set()
        self._thread.join()
        return Cost(peak=self._peak - before, left=self.memory() - before, stall=self._stall)

    def _run(self) -> None:
        while not self._over.wait(0.01):
            begun = time.perf_counter()
            with suppress(OSError):
                exchange(self._port, b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            self._stall = max(self._stall, time.perf_counter() - begun)
            self._peak = max(self._peak, self.memory())


def exchange(port: int, *pieces: bytes) -> bytes:
    """Send ``pieces`` as far as the server takes them; what it answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        with suppress(ConnectionError):
            for piece in pieces:
                client.sendall(piece)
        answer = b""
        with suppress(ConnectionError, TimeoutError):
            client.settimeout(5)
            while piece := client.recv(65536):
                answer += piece
        return answer


def head(*headers: str) -> bytes:
    lines = [f"POST {ROUTE} HTTP/1.1", "host: localhost", "connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


def together(number: int, *pieces: bytes) -> Callable[[int], None]:
    """An attack: ``number`` clients send the same at once."""

    def attack(port: int) -> None:
        clients = [threading.Thread(target=exchange, args=(port, *pieces)) for _ in range(number)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    return attack


def silent(port: int) -> None:
    """An attack: clients that connect and say nothing, or half a request."""
    starts = (b"", b"GET /hea", b"GET / HTTP/1.1\r\nx: y\r\n", head("content-type: audio/wav", "content-length: 9999"))
    clients = []
    for number in range(200):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(starts[number % len(starts)])
        clients.append(client)
    time.sleep(SILENT_SECONDS)
    still_open = 0
    for client in clients:
        client.setblocking(False)
        try:
            while client.recv(65536):
                pass
        except BlockingIOError:
            still_open += 1
        except ConnectionError:
            pass
        client.close()
    print(f"  of 200 silent connections {still_open} are open after {SILENT_SECONDS} s")


def sized(content_type: str, body: bytes) -> tuple[bytes, bytes]:
    return head(f"content-type: {content_type}", f"content-length: {len(body)}"), body


def forms(port: int) -> None:
    """An attack: uploads of the largest size."""
    form = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="q.wav"\r\n\r\n%s\r\n--edge--\r\n'
    together(10, *sized("multipart/form-data; boundary=edge", form % bytes(RECORDING)))(port)


def recordings_in_json(port: int) -> None:
    """An attack: recordings of the largest size in base64."""
    data = base64.b64encode(os.urandom(RECORDING))
    together(8, *sized("application/json", b'{"input_audio": {"data": "%s"}}' % data))(port)


BLOCK = b"y" * MEGABYTE
HEADERS = b"".join(b"h%d: %s\r\n" % (number, b"z" * 20) for number in range(30_000))
CHUNKS = b"1\r\nx\r\n" * 170_000

ATTACKS: dict[str, Callable[[int], None]] = {
    "a header of 200 MB": together(1, head()[:-2] + b"x: ", *[BLOCK] * 200),
    "200 MB of headers": together(1, head()[:-2], *[HEADERS] * 200),
    "a URL of 60 MB": together(1, b"GET /", *[BLOCK] * 60),
    "300 MB behind a 413": together(1, head("content-type: audio/wav", "content-length: 300000000"), *[BLOCK] * 300),
    "10 forms of 26 MB": forms,
    "8 JSON bodies of 35 MB": recordings_in_json,
    "JSON of 33 MB in small values": together(1, *sized("application/json", b'{"a": [%s1]}' % (b"{}," * 11_000_000))),
    "60 MB in chunks of a byte": together(
        1, head("content-type: audio/wav", "transfer-encoding: chunked"), *[CHUNKS] * 60
    ),
    "200 silent connections": silent,
}


@contextmanager
def gateway(folder: Path) -> Iterator[tuple[int, int]]:
    """The gateway of a checkout with its embedded engines, ready to answer: its process and port."""
    own = folder / ".venv" / "bin"
    scripts = own if own.exists() else Path(sys.executable).parent
    command = [str(scripts / "speech-to-speech"), "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            port = int(re.findall(rb":(\d+)/", process.stdout.readline())[0])
            while b" 200 " not in exchange(
                port, b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
            ):
                time.sleep(0.1)
            yield process.pid, port
        finally:
            process.terminate()
            process.wait(30)


def main(folder: Path) -> None:
    """Print a table; every attack meets a gateway of its own."""
    print("| attack | memory at most, MB | memory after, MB | longest wait for /health, ms |")
    print("|---|--:|--:|--:|")
    for name in ATTACKS:
        with gateway(folder) as (pid, port):
            cost = Watch(pid, port).cost_of(name)
        print(f"| {name} | {cost.peak:+.0f} | {cost.left:+.0f} | {cost.stall * 1000:.0f} |", flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [attack, port]:
            ATTACKS[attack](int(port))
        case [folder]:
            main(Path(folder))
        case _:
            main(Path.cwd())

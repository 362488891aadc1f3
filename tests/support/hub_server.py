"""A hub of models on a loopback port: what ``huggingface_hub`` asks for, over a folder of repositories."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "c" * 40
BLOCK = 64 * 1024


class HubServer(ThreadingHTTPServer):
    """Serves ``folder``, where each repository is a folder ``owner/name``."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.folder = folder
        self.asked: list[str] = []
        """Method and path of every request."""
        self.breaks_after: int | None = None
        """Bytes after which the connection breaks, once, of a file that has more."""
        self.continued_at: list[int] = []
        """The first byte of each request for the rest of a file."""
        self.hangs = False
        """Whether files stop in their middle and never end."""
        self.refuses = False
        """Whether files cannot be had although they are listed."""
        self.answers_with: tuple[int, str] | None = None
        """The status and error code of every answer, in place of one."""

    @property
    def url(self) -> str:
        """The value of ``HF_ENDPOINT``."""
        return f"http://127.0.0.1:{self.server_port}"

    def files_asked(self) -> list[str]:
        """The files whose contents were sent."""
        contents = [line for line in self.asked if line.startswith("GET") and "/resolve/" in line]
        return [line.partition("/resolve/main/")[2] for line in contents]


@contextmanager
def hub_server(folder: Path) -> Iterator[HubServer]:
    """A server that runs in the block."""
    with HubServer(folder) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def use_hub(url: str, cache: Path, monkeypatch: pytest.MonkeyPatch, *, offline: bool = False) -> None:
    """Let this process and its children ask the hub at ``url`` and keep what they get in the empty folder ``cache``."""
    from huggingface_hub import constants  # noqa: PLC0415 - only where the package is

    for name, value in {"HF_ENDPOINT": url, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": str(int(offline))}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {path}")
        if self.server.answers_with is not None:
            status, code = self.server.answers_with
            self._missing(code, status)
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/.*)?", path):
            self._info(found[1])
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/(?:main|c{40})/(.+)", path):
            self._file(found[1], found[2], body=body)
        else:
            self._missing("RepoNotFound")

    def _info(self, repository: str) -> None:
        home = self.server.folder / repository
        if not home.is_dir():
            self._missing("RepoNotFound")
            return
        files = sorted(file for file in home.rglob("*") if file.is_file())
        siblings = [{"rfilename": str(file.relative_to(home)), "size": file.stat().st_size} for file in files]
        data = json.dumps({"id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _file(self, repository: str, name: str, *, body: bool) -> None:
        file = self.server.folder / repository / name
        if not file.is_file():
            self._missing("EntryNotFound")
            return
        if self.server.refuses:
            self._missing("GatedRepo", 403)
            return
        data = file.read_bytes()
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0]) if body else 0
        self.send_response(206 if start else 200)
        if start:
            self.server.continued_at.append(start)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if body:
            self._send(data[start:])

    def _send(self, data: bytes) -> None:
        cut = len(data)
        if self.server.hangs:
            cut //= 2
        elif self.server.breaks_after is not None and self.server.breaks_after < cut:
            cut, self.server.breaks_after = self.server.breaks_after, None
        self.wfile.write(data[:cut])
        self.wfile.flush()
        if self.server.hangs:
            self.connection.recv(1)  # until the client leaves
        self.close_connection = cut < len(data)

    def _missing(self, code: str, status: int = 404) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass

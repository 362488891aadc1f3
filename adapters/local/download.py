"""What the process that downloads weights runs: it reports how far it is, and why it failed if it did."""

import threading
from typing import Any

import msgspec
from tqdm.auto import tqdm

from adapters.blocking import Send, Work
from adapters.local import hub
from adapters.local.weights import Failed, HubFiles, Progress
from adapters.options import BadOption


def downloader() -> Work:
    """In a worker: a function from the ``HubFiles`` of a job to its reports."""

    def answer(job: bytes, send: Send) -> bytes:
        reports = _Reports(send)
        try:
            _download(msgspec.msgpack.decode(job, type=HubFiles), reports)
        except BadOption as error:
            return msgspec.msgpack.encode(Failed(reason=str(error)))
        finally:
            reports.end()
        return b""

    return answer


class _Reports:
    """Sends how far a download is, which several threads tell, and one of them maybe after it has failed."""

    def __init__(self, send: Send) -> None:
        self._send: Send | None = send
        self._lock = threading.Lock()
        self._done = 0

    def add(self, size: int, total: int) -> None:
        """So many bytes more of ``total`` are here."""
        with self._lock:
            self._done += size
            if self._send is not None:
                self._send(msgspec.msgpack.encode(Progress(done=self._done, total=total)))

    def end(self) -> None:
        """Nothing is sent any more: the answer follows."""
        with self._lock:
            self._send = None


def _download(files: HubFiles, reports: _Reports) -> None:
    """Download what is not in the cache yet. Raises ``BadOption``."""
    from huggingface_hub import HfApi, hf_hub_download  # noqa: PLC0415 - takes a while to import

    with hub.explained(files.subject, files.instead):
        info = HfApi().model_info(files.repository, files_metadata=True, timeout=hub.TIMEOUT_SECONDS)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        sizes = {name: sizes[name] for name in files.wanted(sizes)}

        class Bar(tqdm):  # type: ignore[misc, unused-ignore]
            """Shows nothing, and reports instead."""

            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **{**options, "disable": True})

            def update(self, n: float | None = 1) -> None:
                reports.add(int(n or 0), sum(sizes.values()))

        # The largest file is last: where it is, all the others are.
        for name in sorted(sizes, key=lambda name: sizes[name]):
            hf_hub_download(files.repository, name, tqdm_class=Bar)

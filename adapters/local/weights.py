"""Weights of an engine: files of the user, or files of the hub, which are downloaded when the engine loads."""

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import Collection
from contextlib import aclosing
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from adapters.blocking import WorkerPool, call
from adapters.contract.errors import TimedOut, Unavailable
from adapters.local import hub
from adapters.options import BadOption

STALL_SECONDS = 300
"""The longest time without progress: within it the library asks again when a connection breaks or stalls."""

LONGEST_SECONDS = 2 * 3600
"""The longest download."""

REPORT_SECONDS = 5
"""The shortest time between two lines of the log about progress."""

_MEGABYTE = 1_000_000

_PART = re.compile(r"(.*)-\d+-of-(\d+)(\..*)")
"""The name of one of several files that weights are divided into."""

log = logging.getLogger(__name__)


class HubFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Files of one repository, by names or patterns, in which ``*`` does not stand for a ``/``.

    Of ``either`` one pattern is needed: the first that the repository has. ``main`` is the file that the engine loads,
    empty for the whole folder. ``owner`` says whose weights they are (``--tts piper``), ``flag`` is the setting that
    names files of the user instead.
    """

    repository: str
    needed: tuple[str, ...]
    either: tuple[str, ...] = ()
    useful: tuple[str, ...] = ()
    main: str = ""
    owner: str
    flag: str

    def wanted(self, names: Collection[str]) -> set[str]:
        """Those of the repository's ``names`` that are to be here."""
        first = next((pattern for pattern in self.either if _found(names, pattern)), None)
        patterns = (*self.needed, *self.useful, *([first] if first else []))
        return {name for pattern in patterns for name in _found(names, pattern)}

    def missing(self, names: Collection[str]) -> list[str]:
        """The needed files that are not among ``names``, or not in all their parts."""
        patterns = [pattern for pattern in self.needed if not _found(names, pattern)]
        if self.either and not any(_found(names, pattern) for pattern in self.either):
            patterns.append(" or ".join(self.either))
        parts = Counter(
            (found[1], found[3], int(found[2])) for name in self.wanted(names) if (found := _PART.fullmatch(name))
        )
        return [*patterns, *(f"{stem}-*{ending}" for (stem, ending, total), have in parts.items() if have < total)]

    @property
    def subject(self) -> str:
        """What a message about them begins with."""
        return f"The model {self.repository!r} of {self.owner}"

    @property
    def instead(self) -> str:
        """What to do without the hub."""
        if self.either:
            return f"put the files of https://huggingface.co/{self.repository} into a folder and give it as {self.flag}"
        names = " and ".join(self.needed)
        return f"put {names} of https://huggingface.co/{self.repository} into a folder and give it as {self.flag}"


Source = Path | HubFiles
"""Where weights come from."""


def cached(files: HubFiles) -> Path | None:
    """What the engine loads of ``files`` if they are in the hub's cache; asks nobody."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - imported when it is used

    try:
        folder = Path(snapshot_download(files.repository, local_files_only=True))
    except (OSError, ValueError):  # it is not there or not whole; the name is none of a repository
        return None
    here = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    return None if files.missing(here) else folder / files.main


def check(source: Source) -> Path | None:
    """What the engine loads if it is here, ``None`` if it is on the hub, which is asked once.

    Raises ``BadOption`` when it is neither; files of the user are not looked at.
    """
    if isinstance(source, Path):
        return source
    if (place := cached(source)) is not None:
        return place
    from huggingface_hub import HfApi  # noqa: PLC0415 - imported when it is used

    with hub.explained(source.subject, source.instead):
        info = HfApi().model_info(source.repository, timeout=hub.TIMEOUT_SECONDS)
    if missing := source.missing([file.rfilename for file in info.siblings or ()]):
        raise BadOption(f"{source.subject} has no {' and no '.join(missing)} on the hub; choose another {source.flag}.")
    return None


async def fetch(source: Source, *, adapter: str) -> Path:
    """What the engine loads; ``HubFiles`` that are not in the hub's cache are downloaded into it.

    A process does that, which ends at once when this is cancelled; files that are whole by then stay. Raises
    ``Unavailable``.
    """
    if isinstance(source, Path):
        return source
    if (place := await call(cached, source)) is not None:
        return place
    pool = WorkerPool("adapters.local.download:downloader", size=1, timeout=STALL_SECONDS, adapter=adapter)
    try:
        async with aclosing(pool), asyncio.timeout(LONGEST_SECONDS):
            await _download(pool, source, adapter)
    except (TimeoutError, TimedOut) as error:
        raise Unavailable(
            f"{source.subject} could not be downloaded in time; start again, or {source.instead}.", adapter=adapter
        ) from error
    if (place := await call(cached, source)) is None:
        raise Unavailable(
            f"{source.subject} was downloaded, but is not whole in the cache; {source.instead}.", adapter=adapter
        )
    return place


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """Bytes of all files: those that are here, and all."""

    done: int
    total: int


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The download failed; ``reason`` is a sentence."""

    reason: str


async def _download(pool: WorkerPool, files: HubFiles, adapter: str) -> None:
    begun = said = time.monotonic()
    log.info("%s downloads %s (once)", files.owner, files.repository)
    async with aclosing(pool.stream(msgspec.msgpack.encode(files))) as reports:
        async for data in reports:
            match msgspec.msgpack.decode(data, type=Progress | Failed):
                case Failed(reason=reason):
                    raise Unavailable(reason, adapter=adapter)
                case Progress(done=done, total=total) if time.monotonic() - said > REPORT_SECONDS:
                    said = time.monotonic()
                    log.info(
                        "%s: %s, %.0f of %.0f MB", files.owner, files.repository, done / _MEGABYTE, total / _MEGABYTE
                    )
    log.info("%s has %s, after %.1f s", files.owner, files.repository, time.monotonic() - begun)


def _found(names: Collection[str], pattern: str) -> list[str]:
    return [name for name in names if name.count("/") == pattern.count("/") and fnmatchcase(name, pattern)]

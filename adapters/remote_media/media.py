"""The media that requests name by URL, for one engine: fetched as the option ``remote_media`` says."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

import msgspec

from adapters.blocking import call
from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unavailable, Unsupported
from adapters.remote_media.addresses import INTERNET, Network
from adapters.remote_media.data_urls import decoded, encoded, is_data_url
from adapters.remote_media.download import Downloaded, Source, download, refused
from adapters.remote_media.media_urls import MediaUrl, remote_urls, with_urls
from adapters.remote_media.options import RemoteMediaHosts, allowed_hosts

MOST_FILES = 16
"""Files of one request."""

MOST_BYTES = 50_000_000
"""Of all files of one request."""

MOST_BYTES_HELD = 250_000_000
"""Of all requests that the engine answers at one time."""

SECONDS = 15.0
"""In which all files of a request must be there."""

_KINDS = ("image", "video", "audio")
_BUSY_SECONDS = 5.0


class RemoteMedia:
    """Fetches the media of an engine's requests. Raises ``BadOption`` for hosts that cannot be.

    With ``reads_urls`` the engine's own server fetches public media, and gets their URLs as they are.
    """

    def __init__(self, hosts: RemoteMediaHosts, *, reads_urls: bool = False, network: Network = INTERNET) -> None:
        allowed = allowed_hosts(hosts)
        self._source = Source(hosts=allowed, network=network)
        self._off = not allowed.public and not allowed.patterns
        self._passes_on = reads_urls and allowed.public and not allowed.patterns
        self._held = _Held()

    async def images(self, images: Sequence[llm.Image]) -> list[bytes]:
        """The files of ``images``, in that order. Raises ``InvalidRequest``."""
        remote = [_image(image) for image in images if not is_data_url(image.url)]
        async with self._fetched(remote) as files:
            return [
                await call(decoded, image.url) if is_data_url(image.url) else files[image.url].data for image in images
            ]

    @asynccontextmanager
    async def inlined(self, messages: tuple[llm.Message, ...]) -> AsyncGenerator[tuple[llm.Message, ...], None]:
        """``messages`` with ``data:`` URLs in place of all others. Raises ``InvalidRequest``."""
        images = [part for message in messages for part in message.parts if isinstance(part, llm.Image)]
        remote = [] if self._passes_on else [_image(image) for image in images if not is_data_url(image.url)]
        if not remote:
            yield messages
            return
        async with self._as_data(remote) as urls:
            yield tuple(_with_images(message, urls) for message in messages)

    def inlined_body(self, body: dict[str, Any], field: str) -> AbstractAsyncContextManager[dict[str, Any]]:
        """A request in the words of its API, with ``data:`` URLs in place of all others in ``field``.

        Raises ``InvalidRequest``, with the path of the URL.
        """
        remote = [] if self._passes_on else list(remote_urls(body.get(field), field))
        return self._with_data(body, field, remote) if remote else nullcontext(body)

    @asynccontextmanager
    async def _with_data(
        self, body: dict[str, Any], field: str, remote: Iterable[MediaUrl]
    ) -> AsyncGenerator[dict[str, Any], None]:
        async with self._as_data(remote) as urls:
            yield body | {field: with_urls(body[field], urls)}

    @asynccontextmanager
    async def _as_data(self, remote: Iterable[MediaUrl]) -> AsyncGenerator[dict[str, str], None]:
        async with self._fetched(remote) as files:
            yield {url: await call(encoded, file.data, file.media_type) for url, file in files.items()}

    @asynccontextmanager
    async def _fetched(self, remote: Iterable[MediaUrl]) -> AsyncGenerator[dict[str, Downloaded], None]:
        """The files by their URLs; their bytes count as held until this is left."""
        wanted = {each.url: each for each in remote}
        if len(wanted) > MOST_FILES:
            raise InvalidRequest(
                f"The request names {len(wanted)} images by URL; the maximum is {MOST_FILES}: leave some out.",
                param="messages",
                code="array_above_max_length",
            )
        room = _Room(self._held)
        try:
            yield await self._downloaded(wanted.values(), room)
        finally:
            self._held.bytes -= room.taken

    async def _downloaded(self, wanted: Iterable[MediaUrl], room: "_Room") -> dict[str, Downloaded]:
        files: dict[str, Downloaded] = {}
        at: MediaUrl | None = None
        try:
            async with asyncio.timeout(SECONDS):
                for at in wanted:
                    self._check(at)
                    files[at.url] = await download(at.url, at.kind, self._source, room.take)
        except TimeoutError as error:
            assert at is not None
            late = refused(at.url, at.kind, f"it did not arrive within {SECONDS:.0f} seconds")
            late.param = at.path
            raise late from error
        except InvalidRequest as error:
            assert at is not None
            error.param = at.path
            raise
        return files

    def _check(self, wanted: MediaUrl) -> None:
        if wanted.kind not in _KINDS:
            raise Unsupported(
                f"'{wanted.path}' names a {wanted.kind} by URL, which is not fetched here: send its content.",
                param=wanted.path,
            )
        if self._off:
            raise refused(wanted.url, wanted.kind, "this server fetches no URLs")


class _Held:
    """How many bytes all requests hold."""

    bytes = 0


class _Room:
    """The bytes that one request holds, of those that all may hold."""

    def __init__(self, held: _Held) -> None:
        self._held = held
        self.taken = 0

    def take(self, count: int) -> None:
        """Hold ``count`` bytes more. Raises ``InvalidRequest`` and ``Unavailable``."""
        self.taken += count
        self._held.bytes += count
        if self.taken > MOST_BYTES:
            raise InvalidRequest(
                f"The files that the request names by URL are larger than {MOST_BYTES // 1_000_000} MB together: "
                "leave some out.",
                param="messages",
                code="image_too_large",
            )
        if self._held.bytes > MOST_BYTES_HELD:
            raise Unavailable(
                "Too many images are being fetched at this time: repeat later.", retry_after=_BUSY_SECONDS
            )


def _image(image: llm.Image) -> MediaUrl:
    return MediaUrl(path="messages", kind="image", url=image.url)


def _with_images(message: llm.Message, urls: dict[str, str]) -> llm.Message:
    """``message`` with the URLs of its images replaced by those that ``urls`` has for them."""
    parts = tuple(
        llm.Image(url=urls.get(part.url, part.url), detail=part.detail) if isinstance(part, llm.Image) else part
        for part in message.parts
    )
    return msgspec.structs.replace(message, parts=parts)

"""The page and its files, which need no key: they hold nothing of this gateway's, and ask for the key themselves."""

from functools import cache
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from gateway.access.loopback import is_loopback
from gateway.http.static_files import StaticFile, read_files
from gateway.settings.server import ServerSettings

STATIC = Path(__file__).parent / "static"


def is_served(settings: ServerSettings) -> bool:
    """Whether these settings have the page served; unless they say so, where no other machine can reach it."""
    return is_loopback(settings.host) if settings.page is None else settings.page


@get("/", opt={"access": "open"}, include_in_schema=False, sync_to_thread=False)
def page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The page itself."""
    return _files()["index.html"].response(request)


@get("/page/{path:path}", opt={"access": "open"}, include_in_schema=False, sync_to_thread=False)
def page_file(request: Request[Any, Any, Any], path: FromPath[str]) -> Response[bytes]:
    """What the page loads."""
    file = _files().get(path.lstrip("/"))
    if file is None:
        raise NotFoundException
    return file.response(request)


@cache
def _files() -> dict[str, StaticFile]:
    return read_files(STATIC)

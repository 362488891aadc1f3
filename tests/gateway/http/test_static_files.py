"""Files for browsers: their types, and that a browser which has one is not sent it again."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, Response, get

from gateway.http.static_files import read_files, static_file


def test_files_are_found_below_a_folder(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "player.js").write_text("export {};")
    (tmp_path / "index.html").write_text("<p>")
    assert read_files(tmp_path).keys() == {"audio/player.js", "index.html"}
    assert read_files(tmp_path, ["index.html"]).keys() == {"index.html"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.js", "text/javascript"),
        ("a.html", "text/html"),
        ("a.css", "text/css"),
        ("a.svg", "image/svg+xml"),
        ("a.ogg", "audio/ogg"),
        ("a.unheard", "application/octet-stream"),
    ],
)
def test_types(name: str, expected: str) -> None:
    assert static_file(b"", name).media_type == expected


async def test_a_browser_that_has_the_file_is_not_sent_it_again() -> None:
    file = static_file(b"let a = 1;", "a.js")

    @get("/a.js", sync_to_thread=False)
    def handler(request: Request[Any, Any, Any]) -> Response[bytes]:
        return file.response(request)

    transport = httpx.ASGITransport(app=Litestar([handler], openapi_config=None))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        first = await client.get("/a.js")
        again = await client.get("/a.js", headers={"if-none-match": first.headers["etag"]})
        other = await client.get("/a.js", headers={"if-none-match": '"other"'})
    assert (first.status_code, first.content) == (200, b"let a = 1;")
    assert (again.status_code, again.content) == (304, b"")
    assert other.content == b"let a = 1;"

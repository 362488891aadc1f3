"""The page over a socket: where it is served, its policy, that nothing is loaded from elsewhere, and its size."""

import re

import httpx
import pytest

from gateway.access.caller import Caller
from gateway.access.keys import Key, Keyring, digest_in, hash_of
from gateway.api.page.routes import STATIC
from tests.support.server import gateway_of, scripted_engines, served

MOST_BYTES = 150_000
FILES = sorted(path for path in STATIC.rglob("*") if path.is_file())
TEXTS = [path for path in FILES if path.suffix in {".html", ".js", ".css", ".svg"}]


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ([], True),
        (["--host", "::1"], True),
        (["--host", "0.0.0.0"], False),
        (["--host", "0.0.0.0", "--page", "true"], True),
        (["--page", "false"], False),
    ],
)
async def test_where_it_is_served(flags: list[str], shown: bool) -> None:
    async with served(gateway_of(scripted_engines(), *flags)) as address, httpx.AsyncClient(base_url=address) as client:
        for path in ("/", "/page/main.js"):
            assert (await client.get(path)).status_code == (200 if shown else 404)
        assert (await client.get("/page/nothing.js")).status_code == 404
        if shown:
            assert (await client.get("/")).headers["content-type"] == "text/html; charset=utf-8"
            assert (await client.get("/page/main.js")).headers["content-type"] == "text/javascript; charset=utf-8"


async def test_it_needs_no_key_and_allows_nothing_from_elsewhere() -> None:
    digest = digest_in(hash_of("sk-key-that-the-page-does-not-need"))
    assert digest is not None
    keyring = Keyring([Key(digests=(digest,), caller=Caller(name="phone"))])
    async with (
        served(gateway_of(scripted_engines()), keyring=keyring) as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        answers = [await client.get(f"/page/{path.relative_to(STATIC).as_posix()}") for path in FILES]
        answers.append(await client.get("/"))
        assert (await client.get("/v1/models")).status_code == 401
    for answer in answers:
        assert answer.status_code == 200
        policy = dict(each.strip().partition(" ")[::2] for each in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(STATIC).as_posix())
def test_nothing_is_inline_or_from_elsewhere(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert [each for each in re.findall(r"https?://[\w.-]+", text) if "www.w3.org" not in each] == []
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)
    assert not re.search(r"localStorage|sessionStorage|document\.cookie|indexedDB", text)  # the key stays in memory


LINKS = re.compile(r'(?:from|import) "(?P<module>\.[^"]+)"|"page/(?P<page>[^"]+)"|new URL\("(?P<beside>\w+\.js)"')


def test_every_file_is_there_and_used() -> None:
    wanted = {STATIC / "index.html"}
    for path in TEXTS:
        for link in LINKS.finditer(path.read_text(encoding="utf-8")):
            folder = STATIC if link["page"] else path.parent
            wanted.add((folder / (link["module"] or link["page"] or link["beside"])).resolve())
    assert set(FILES) == wanted


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < MOST_BYTES

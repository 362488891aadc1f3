"""The page over a socket: where it is served, its policy, that nothing is loaded from elsewhere, and its size."""

import re

import httpx
import pytest

from gateway.access.keys import Keyring
from gateway.api.page.routes import STATIC
from tests.support.keys import key_ring
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


async def test_it_needs_no_key_and_allows_nothing_from_elsewhere() -> None:
    gateway = gateway_of(scripted_engines())
    async with served(gateway, keyring=Keyring(key_ring())) as address, httpx.AsyncClient(base_url=address) as client:
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


def test_every_module_is_there_and_used() -> None:
    wanted = {STATIC / "index.html"}
    for path in TEXTS:
        links = re.findall(
            r'(?:from|import) "(\.[^"]+)"|\b(?:src|href)="page/([^"]+)"|new URL\("([^"]+)"', path.read_text()
        )
        wanted |= {
            ((STATIC if page else path.parent) / (module or page or url)).resolve() for module, page, url in links
        }
    assert {path.resolve() for path in FILES} == {path.resolve() for path in wanted}


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < MOST_BYTES

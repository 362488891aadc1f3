"""The viewer of the API: its files come from this gateway, and it says what to install where it is missing."""

import re

import httpx
import pytest

from gateway.http import api_viewer
from tests.support.server import gateway_of, scripted_engines, served


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
async def test_every_file_of_the_viewer_comes_from_the_gateway(path: str) -> None:
    pytest.importorskip("swagger_ui", reason="needs swagger-ui-py")
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient() as client:
        page = await client.get(address + path)
        assert "default-src 'none'" in page.headers["content-security-policy"]
        links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(links) == 3
        for link in links:
            file = await client.get(page.url.join(link))
            assert file.status_code == 200, link
            assert len(file.content) > 100
        assert "<script>" not in page.text  # the policy allows none
        missing = await client.get(f"{address}/docs/swagger-ui-bundle.js.map")
    assert missing.status_code == 404


async def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_viewer, "find_spec", lambda _: None)
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient() as client:
        page = await client.get(f"{address}/docs/")
    assert "speech-gateway[docs]" in page.text
    assert "swagger-ui-bundle" not in page.text

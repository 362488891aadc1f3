"""What is said when the certificates that servers are verified with cannot be loaded."""

from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from adapters.contract.errors import UpstreamError
from adapters.upstream.certificates import ssl_context
from tests.support.upstream_client import ask, upstream
from tests.support.upstream_server import UpstreamServer


@pytest.fixture(autouse=True)
def _nothing_loaded() -> Iterator[None]:
    ssl_context.cache_clear()
    yield
    ssl_context.cache_clear()


@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize("exists", [False, True])
async def test_a_file_without_certificates_is_named_by_its_variable(
    proxied: bool, exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "certificates.pem"
    if exists:
        file.write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    async with UpstreamServer() as server:
        if proxied:
            monkeypatch.setenv("HTTPS_PROXY", server.base_url)
        async with aclosing(upstream(server.base_url.replace("http:", "https:"))) as client:
            await client.warm_up()
            with pytest.raises(UpstreamError, match="SSL_CERT_FILE or SSL_CERT_DIR"):
                await ask(client)

"""Prometheus itself scrapes a gateway, and finds its metrics in order."""

import asyncio
import shutil
import socket
from pathlib import Path

import httpx
import pytest

from tests.support.http_client import ROUTE, form
from tests.support.server import gateway_of, scripted_engines, served

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs prometheus (Debian: prometheus)")

CONFIGURATION = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: gateway
    static_configs: [{{targets: ["{target}"]}}]
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def asked(client: httpx.AsyncClient, query: str) -> list[str]:
    """The values of a query, once Prometheus has an answer."""
    async with asyncio.timeout(60):
        while True:
            try:
                answer = (await client.get("/api/v1/query", params={"query": query})).json()
                if found := [series["value"][1] for series in answer["data"]["result"]]:
                    return found
            except (httpx.TransportError, ValueError):
                pass  # it is starting
            await asyncio.sleep(0.1)


async def test_prometheus_scrapes_the_gateway(tmp_path: Path) -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        assert (await client.post(ROUTE, **form())).status_code == 200
        (tmp_path / "prometheus.yml").write_text(CONFIGURATION.format(target=address.removeprefix("http://")))
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as prometheus:
                assert await asked(prometheus, 'speech_gateway_turns_total{outcome="completed"}') == ["1"]
                assert await asked(prometheus, 'up{job="gateway"}') == ["1"]
                assert await asked(prometheus, "speech_gateway_first_audio_seconds_count") == ["1"]
        finally:
            process.terminate()
            await process.wait()

"""Prometheus takes its file, and every query of the dashboard is one, of metrics that the gateway has."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml

from tests.support.http_client import ROUTE, form
from tests.support.server import gateway_of, scripted_engines, served

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "speech-gateway.json").read_text(encoding="utf-8"))
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = shutil.which("promtool")
    if command is None:
        pytest.skip("needs promtool (Debian: prometheus)")
    return subprocess.run([command, *arguments], capture_output=True, text=True, check=False)


def test_prometheus_takes_its_file(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "prometheus.yml", tmp_path)
    (tmp_path / "prometheus.key").write_text("a-key", encoding="utf-8")
    ran = promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_queries_are_queries(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:query{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, query in enumerate(QUERIES)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    ran = promtool("check", "rules", str(file))
    assert ran.returncode == 0, ran.stdout + ran.stderr


async def test_the_queries_name_what_the_gateway_measures() -> None:
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        assert (await client.post(ROUTE, **form())).status_code == 200
        told = (await client.get("/metrics")).text
    # A family without a series yet has its type only.
    measured = set(re.findall(r"^# TYPE (\w+) ", told, re.MULTILINE)) | set(re.findall(r"^(\w+)", told, re.MULTILINE))
    measured |= {f"{name}_total" for name in measured}
    asked = {name for query in QUERIES for name in re.findall(r"\b(?:speech_gateway|process)_\w+", query)}
    assert {re.sub(r"_bucket$", "", name) for name in asked} - measured == set()


async def test_the_scaler_of_kubernetes_does_too() -> None:
    scaler = yaml.safe_load((DEPLOY / "kubernetes" / "hpa.yaml").read_text(encoding="utf-8"))
    async with served(gateway_of(scripted_engines())) as address, httpx.AsyncClient(base_url=address) as client:
        told = (await client.get("/metrics")).text
    assert f"# TYPE {scaler['spec']['metrics'][0]['pods']['metric']['name']} gauge" in told

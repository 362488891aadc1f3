"""The image's steps work in an empty environment, and the compositions are what Compose takes."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KEY = {"S2S_API_KEYS": "a-key-of-this-test"}
TOGETHER = [
    ["compose.vllm.yaml"],
    ["compose.llama-cpp.yaml"],
    ["compose.vllm.yaml", "compose.monitoring.yaml"],
    ["compose.llama-cpp.yaml", "compose.monitoring.yaml"],
]


def steps() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, with continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines if line.strip())]


def composed(files: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = shutil.which("docker-compose")
    if command is None:
        pytest.skip("needs docker-compose")
    arguments = [word for name in files for word in ("-f", str(DEPLOY / name))]
    return subprocess.run(
        [command, *arguments, "config"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], **environment},
    )


@pytest.mark.timeout(400)  # it installs all dependencies
def test_the_steps_of_the_image_run_in_an_empty_folder(tmp_path: Path) -> None:
    """Those before its second stage, with the paths of the image under a folder of the test."""
    build, installed = tmp_path / "build", tmp_path / "opt"
    build.mkdir()
    for name, rest in steps()[: [name for name, _ in steps()].index("FROM", 1)]:
        if name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, build / target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / source, build / target)
        elif name == "RUN":
            script = rest.replace("/opt/speech-gateway", str(installed)).replace("python -m", "python3 -m")
            subprocess.run(["bash", "-euc", script], cwd=build, check=True, capture_output=True, timeout=380)
    (entry,) = [json.loads(rest) for name, rest in steps() if name == "ENTRYPOINT"]
    said = subprocess.run(
        [installed / "bin" / entry[0], "--version"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert said.stdout.startswith("speech-to-speech ")


def test_the_image_runs_as_nobody_in_particular_and_is_reachable_from_outside_its_container() -> None:
    last = dict(steps())
    assert last["USER"] == "gateway"
    assert "S2S_HOST=0.0.0.0" in last["ENV"]
    assert last["EXPOSE"] in last["HEALTHCHECK"]


@pytest.mark.parametrize("files", TOGETHER, ids=" ".join)
def test_compose_takes_them(files: list[str]) -> None:
    ran = composed(files, KEY)
    assert ran.returncode == 0, ran.stderr
    services: dict[str, Any] = yaml.safe_load(ran.stdout)["services"]
    gateway = services["gateway"]
    assert gateway["environment"]["S2S_API_KEYS"] == KEY["S2S_API_KEYS"]
    assert gateway["read_only"] is True
    for service in services.values():
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), "published to everybody"
    for service in services.values():
        for volume in service.get("volumes", []):
            source = Path(str(volume).partition(":")[0])
            # The operator makes the model's folder and the key of Prometheus; everything else is in the repository.
            assert not source.is_absolute() or source.exists() or source.name in {"models", "prometheus.key"}


@pytest.mark.parametrize("files", [TOGETHER[0], TOGETHER[1]], ids=" ".join)
def test_without_a_key_nothing_starts(files: list[str]) -> None:
    ran = composed(files, {})
    assert ran.returncode != 0
    assert "choose a key that clients must send" in ran.stderr

"""The configurations and container files under ``deploy/`` name settings, engines and files that exist."""

import re
from pathlib import Path

import pytest

from gateway.engines.build import build
from gateway.settings.load import load
from gateway.settings.sources import PREFIX, read_environment, read_file

DEPLOY = Path(__file__).parents[2] / "deploy"
CONFIGURATIONS = sorted(DEPLOY.glob("*.toml"))
COMPOSITIONS = sorted(DEPLOY.glob("compose.*.yaml"))


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_the_files_are_there() -> None:
    assert names(CONFIGURATIONS) == ["llama-cpp.toml", "vllm.toml"]
    assert names(COMPOSITIONS) == ["compose.llama-cpp.yaml", "compose.monitoring.yaml", "compose.vllm.yaml"]


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=names(CONFIGURATIONS))
def test_a_configuration_selects_what_it_says(path: Path) -> None:
    loaded = load([str(path)], {})
    said = read_file(str(path)).settings
    assert loaded.warnings == ()
    assert said["llm_backend"].value == loaded.settings.llm_backend == "chat-completions"
    assert loaded.settings.host == "127.0.0.1"
    (served,) = build(loaded).routes
    assert served.route.settings.model_name == said["model_name"].value


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=names(CONFIGURATIONS))
def test_what_is_commented_out_is_a_setting_too(path: Path, tmp_path: Path) -> None:
    offered = re.findall(r"^# (\w+ = .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    copy = tmp_path / "offered.toml"
    copy.write_text("\n".join(offered), encoding="utf-8")
    assert len(read_file(str(copy)).settings) == len(offered) > 0


@pytest.mark.parametrize("path", [DEPLOY / "Dockerfile", *COMPOSITIONS], ids=lambda path: path.name)
def test_variables_are_settings(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    variables = dict(re.findall(rf"({PREFIX}\w+)(?:=|: )(\S+)", "\n".join(lines)))
    settings, warnings = read_environment(variables)
    assert variables
    assert warnings == []
    assert len(settings) == len(variables)


GATEWAYS = [path for path in COMPOSITIONS if "monitoring" not in path.name]


@pytest.mark.parametrize("path", GATEWAYS, ids=names(GATEWAYS))
def test_a_composition_mounts_the_configuration_it_starts_with(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    (started,) = re.findall(r'command: \["(/\S+\.toml)"\]', text)
    (source, target) = re.findall(r"- \./(\S+\.toml):(\S+):ro", text)[0]
    assert (DEPLOY / source).exists()
    assert target == started
    assert '"127.0.0.1:8765:8765"' in text

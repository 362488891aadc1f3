"""The manifests fit together, and the schemas of Kubernetes."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from gateway.settings.load import load

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    command = shutil.which("kubectl")
    if command is None:
        pytest.skip("needs kubectl")
    built = subprocess.run([command, "kustomize", str(FOLDER)], capture_output=True, check=True)
    return [*yaml.safe_load_all(built.stdout)]


def of_kind(manifests: list[dict[str, Any]], kind: str, name: str = "speech-gateway") -> dict[str, Any]:
    (found,) = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


@pytest.mark.parametrize("version", ["1.30", "1.33"])
def test_they_are_what_kubernetes_takes(manifests: list[dict[str, Any]], version: str) -> None:
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)
    assert len(manifests) == 8


def test_names_and_ports_fit_together(manifests: list[dict[str, Any]]) -> None:
    pod = of_kind(manifests, "Deployment")["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": load([], {}).settings.port}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
        assert container[probe]["httpGet"]["path"] in {"/ready", "/health"}
    service = of_kind(manifests, "Service")["spec"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    assert service["ports"][0]["targetPort"] in ports
    for kind in ("PodDisruptionBudget", "HorizontalPodAutoscaler"):
        assert of_kind(manifests, kind)
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    (settings,) = [each for each in manifests if each["kind"] == "ConfigMap"]
    assert pod["spec"]["volumes"][0]["configMap"]["name"] == settings["metadata"]["name"]


def test_the_grace_period_covers_the_drain(manifests: list[dict[str, Any]], tmp_path: Path) -> None:
    spec = of_kind(manifests, "Deployment")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    waits = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    (settings,) = [each for each in manifests if each["kind"] == "ConfigMap"]
    file = tmp_path / "gateway.toml"
    file.write_text(settings["data"]["gateway.toml"], encoding="utf-8")
    loaded = load([str(file)], {})
    assert loaded.warnings == ()
    assert waits + loaded.settings.shutdown_seconds < spec["terminationGracePeriodSeconds"]


def test_no_pod_is_more_than_it_must_be(manifests: list[dict[str, Any]]) -> None:
    for manifest in manifests:
        if manifest["kind"] != "Deployment":
            continue
        spec = manifest["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}

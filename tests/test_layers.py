"""The layers: imports point downward, nothing heavy is loaded before it is selected, and files stay readable."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.imports import Tree, within
from tests.support.layers import ORDER, WEB, engine_names, engines, violations

ROOT = Path(__file__).parents[1]
TREE = Tree(ROOT, ORDER)
SOURCES = sorted(TREE.paths.values())
NAMES_WITHOUT_MEANING = {"utils", "util", "helpers", "helper", "common", "base", "core", "manager", "misc"}
LONGEST_FILE = 300
HEAVY = ("torch", "transformers", "mlx", "mlx_lm", "pocketsphinx", "onnxruntime")

module_of = {path: module for module, path in TREE.paths.items()}.__getitem__


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 50
    assert "adapters.contract.llm" in TREE.imports["gateway.pipeline.answer"]
    assert len(engines(TREE)) >= 6


def test_imports_point_downward() -> None:
    assert violations(TREE) == []


def test_the_gateway_names_no_engine() -> None:
    assert engine_names(TREE, "gateway") == set()


@pytest.mark.parametrize(
    "code",
    [
        "import gateway.app",
        "from adapters import registry\n"
        "for stage in registry.STAGES:\n"
        "    for name in registry.names(stage):\n"
        "        registry.options_class(stage, name)",
        "from gateway.settings.load import load\nfrom gateway.engines.build import build\nbuild(load([], {}))",
    ],
    ids=["the application", "the options of every engine", "building engines"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str) -> None:
    report = f"{code}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    ran = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not set(HEAVY) & set(ran.stdout.split())


def test_settings_are_read_without_the_web_framework() -> None:
    report = "import gateway.cli.main, sys\nprint(*sorted({name.partition('.')[0] for name in sys.modules}))"
    ran = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {*HEAVY, *WEB, "av", "openai"} & set(ran.stdout.split())


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_files_have_a_name_with_a_meaning_and_a_readable_length(path: Path) -> None:
    assert not NAMES_WITHOUT_MEANING & {*path.relative_to(ROOT).parts, path.stem}
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST_FILE, f"{lines} lines"


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, "no docstring"
    assert docstring.partition("\n")[0].endswith("."), "the first line is no sentence"


def test_only_the_command_reads_the_environment() -> None:
    for path in SOURCES:
        reads = {"environ", "getenv"} & {
            node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
        }
        assert not reads or within(module_of(path), "gateway.cli"), module_of(path)

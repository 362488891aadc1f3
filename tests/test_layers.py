"""The layers: imports point downward, nothing heavy is loaded before it is selected, and files stay readable."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for package in ("adapters", "gateway") for path in (ROOT / package).rglob("*.py"))
NAMES_WITHOUT_MEANING = {"utils", "util", "helpers", "helper", "common", "base", "core", "manager", "misc"}
LONGEST_FILE = 300
STAGES = ("llm", "stt", "tts", "vad")
HEAVY = ("torch", "transformers", "mlx", "mlx_lm", "pocketsphinx", "onnxruntime")
SERVER = ("litestar", "uvicorn")


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Every module that a file imports, wherever in it; of ``from a import b`` both ``a`` and ``a.b``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return frozenset(found)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def offences(folder: str, forbidden: Iterator[str] | tuple[str, ...]) -> list[str]:
    packages = tuple(forbidden)
    return [
        f"{module_of(path)} imports {module}"
        for path in SOURCES
        if within(module_of(path), folder)
        for module in sorted(imports_of(path))
        if any(within(module, package) for package in packages)
    ]


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 50
    assert "adapters.contract.llm" in imports_of(ROOT / "gateway" / "pipeline" / "answer.py")


def test_adapters_know_nothing_of_the_gateway() -> None:
    assert not offences("adapters", ("gateway", *SERVER))


def test_the_contract_needs_the_standard_library_and_msgspec_only() -> None:
    allowed = sys.stdlib_module_names | {"msgspec"}
    for path in SOURCES:
        if within(module_of(path), "adapters.contract"):
            others = {name for name in imports_of(path) if name.partition(".")[0] not in allowed}
            assert all(within(name, "adapters.contract") for name in others), module_of(path)


@cache
def engines() -> dict[str, str]:
    """The registered engines: stage and name, and the module or folder that is theirs."""
    found = {}
    for stage in STAGES:
        for entry in entry_points(group=f"speech_gateway.{stage}"):
            found[f"{stage} {entry.name}"] = entry.module.removesuffix(".adapter")
    return found


def test_engines_never_import_each_other() -> None:
    assert len(set(engines().values())) == len(engines()) >= 6
    for path in SOURCES:
        module = module_of(path)
        if not within(module, "adapters"):
            continue
        for name, own in engines().items():
            if not within(module, own):
                assert not any(within(imported, own) for imported in imports_of(path)), f"{module} imports {name}"


def test_stages_never_import_each_other() -> None:
    for stage in STAGES:
        others = tuple(f"adapters.{other}" for other in STAGES if other != stage)
        assert not offences(f"adapters.{stage}", others)


def test_the_pipeline_knows_nothing_of_http() -> None:
    for package in ("pipeline", "text", "audio", "conversation", "settings"):
        assert not offences(
            f"gateway.{package}", (*SERVER, "gateway.http", "gateway.app", "gateway.api.speech_to_speech")
        )


def test_what_translates_is_free_of_the_web_framework() -> None:
    for name in ("schema", "translate"):
        assert not offences(f"gateway.api.speech_to_speech.{name}", SERVER)


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
    assert not {*HEAVY, *SERVER, "av", "openai"} & set(ran.stdout.split())


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
        assert not reads or module_of(path) == "gateway.cli.main", module_of(path)

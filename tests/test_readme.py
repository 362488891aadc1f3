"""The documentation says what the code says: paths, links, names, commands, tables, examples."""

import ast
import asyncio
import importlib
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from adapters import registry
from gateway.cli.main import ASK_FLAGS, TALK_FLAGS, TALK_SWITCHES
from gateway.engines.build import build
from gateway.http.errors import CONTRACT
from gateway.http.headers import HEADERS
from gateway.settings.flags import parse
from gateway.settings.load import load
from gateway.wire.voice_events import VoiceEvent
from gateway.wire.voice_turn import SpeechToSpeechRequest
from tests.support.layers import ORDER
from tests.support.server import gateway_of, scripted_engines, served

ROOT = Path(__file__).parents[1]
FOLDERS = ("adapters", "deploy", "gateway", "openapi", "tests")
DOCUMENTS = sorted(
    {*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))}
    - {ROOT / "CHANGELOG.md"}  # it names what is gone
)
FIELDS = {*SpeechToSpeechRequest.__struct_fields__, "file"}

NOT_IN_THE_REPOSITORY = {"deploy/models/model.gguf", "deploy/prometheus.key"}
"""Paths that the reader is to make."""


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=relative)


@cache
def blocks(document: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@cache
def prose(document: Path) -> str:
    """The text outside fenced blocks."""
    return re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def quoted(document: Path) -> Iterator[str]:
    """What stands between backticks in the text."""
    yield from re.findall(r"`([^`\n]+)`", prose(document))


def lines_of_shell(document: Path) -> Iterator[list[str]]:
    """The words of every command in the blocks of shell commands; ``&&`` separates commands too."""
    for block in blocks(document, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            for command in line.split("&&"):
                if words := shlex.split(command, comments=True):
                    yield words


@cache
def names_of_files() -> frozenset[str]:
    return frozenset(path.name for folder in (*FOLDERS, ".ci") for path in (ROOT / folder).rglob("*") if path.is_file())


def exists(path: str, document: Path) -> bool:
    """Whether there is such a file; a bare name may be anywhere, and ``CODE`` stands for any language."""
    if "/" not in path:
        return path in names_of_files() or (ROOT / path).exists()
    return any(any(start.glob(path.replace("CODE", "*"))) for start in (ROOT, document.parent))


@every_document
def test_every_path_exists(document: Path) -> None:
    shaped = [word for word in quoted(document) if re.fullmatch(r"(\.ci|\w[\w.-]*)(/[\w.-]+)*/?", word)]
    paths = [
        word
        for word in shaped
        if word.endswith(("/", ".py", ".md", ".toml", ".yaml", ".txt", ".json"))
        or ("/" in word and word.partition("/")[0] in {*FOLDERS, ".ci"})
    ]
    assert [path for path in paths if path not in NOT_IN_THE_REPOSITORY and not exists(path, document)] == []


@every_document
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path) if path else document
        assert target.exists(), link
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor in [re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings]


@every_document
def test_every_name_in_the_code_exists(document: Path) -> None:
    for name in quoted(document):
        if re.fullmatch(r"(adapters|gateway|tests)(\.\w+)+", name):
            assert found(name), name
    for module in re.findall(r"python -m ([\w.]+)", document.read_text(encoding="utf-8")):
        assert find_spec(module) is not None, module


def found(name: str) -> bool:
    """Whether ``name`` is a module, or something in one."""
    module, _, attribute = name.rpartition(".")
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is a module and no package
        return hasattr(importlib.import_module(module), attribute)


@every_document
def test_commands_are_understood(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for program, *words in lines_of_shell(document):
        if program.endswith("speech-to-speech"):
            understood(words)
        elif program == "curl":
            sent = [words[index + 1].partition("=")[0] for index, word in enumerate(words) if word == "-F"]
            assert set(sent) <= FIELDS
        elif program.endswith("pip"):
            assert {name for word in words for name in re.findall(r"^\.\[(.*)\]$", word)} <= extras.keys()


def understood(words: list[str]) -> None:
    """Read the words as the command line does; the files that they name exist."""
    match words:
        case ["ask", *rest]:
            (recording,) = parse(rest, own=ASK_FLAGS).positional
            assert (ROOT / recording).exists()
        case ["talk", *rest]:
            assert not parse(rest, own=TALK_FLAGS, switches=TALK_SWITCHES).positional
        case ["config", "--example" | "--schema"] | ["--help" | "--version"]:
            pass
        case ["check" | "config", *rest]:
            understood(rest)
        case [file] if file.endswith(".toml") and "/" not in file:
            pass  # a file of the reader's
        case _:
            assert load(words, {}).settings.llm_backend in registry.names("llm")


@pytest.mark.parametrize(
    "text",
    [text for path in DOCUMENTS for text in blocks(path, "toml") if not text.startswith("# pyproject")],
    ids=lambda text: text.partition("\n")[0],
)
def test_configuration_is_understood(text: str, tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    loaded = load([str(path)], {})
    assert loaded.warnings == ()
    assert len(build(loaded).routes) == max(1, text.count("[[routes]]"))


async def ran(folder: Path, *command: str) -> None:
    """Run a command in ``folder``, where ``tests/`` is, and fail if it does."""
    (folder / "tests").symlink_to(ROOT / "tests")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=pipe, stderr=pipe)
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()


@pytest.mark.parametrize("document", ["README.md", "openapi/README.md"])
async def test_the_sdk_example_runs(document: str, tmp_path: Path) -> None:
    (example,) = blocks(ROOT / document, "python")
    async with served(gateway_of(scripted_engines())) as address:
        await ran(tmp_path, sys.executable, "-c", example.replace("http://127.0.0.1:8765", address))


async def test_the_curl_examples_run(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    examples = "\n".join(block for block in blocks(ROOT / "README.md", "sh") if block.startswith(("B=", "curl ")))
    lines = [line for line in examples.splitlines() if line and "resp_..." not in line]
    assert len(lines) == 8
    async with served(gateway_of(scripted_engines())) as address:
        script = "set -e\n" + "\n".join(lines).replace("http://127.0.0.1:8765", address)
        await ran(tmp_path, "bash", "-c", script)
    assert (tmp_path / "answer.mp3").stat().st_size > 0


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    (command,) = [block for block in blocks(ROOT / "README.md", "sh") if "pytest" in block]
    assert f"({command.strip()}) || exit 1" in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def rows(heading: str, document: str = "openapi/README.md") -> list[list[str]]:
    """The cells of the tables under a heading, without their heads and rules."""
    text = (ROOT / document).read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    tables = re.findall(r"(?:^\|.*\n\|[-|]+\|\n)((?:^\|.*\n)+)", section, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for table in tables for line in table.splitlines()]


def named(heading: str) -> list[str]:
    """The names in backticks of the first column."""
    return [name for row in rows(heading) for name in re.findall(r"`([^`]+)`", row[0])]


def test_every_field_is_listed() -> None:
    assert sorted(named("Voice turns")) == sorted(FIELDS)


def test_every_header_is_listed() -> None:
    assert sorted(named("Response headers")) == sorted(header.name for header in HEADERS)


def test_every_event_is_listed_with_its_fields() -> None:
    events = {kind.__struct_config__.tag: kind.__struct_fields__ for kind in VoiceEvent.__args__}
    assert named("Events") == list(events)
    for name, told in rows("Events"):
        assert set(events[name.strip("`")]) <= set(re.findall(r"`(\w+)`", told)), name


def test_every_error_is_listed_with_its_status() -> None:
    listed = {(row[0], code) for row in rows("Errors") for code in re.findall(r"`(\w+)`", row[1])}
    assert listed >= {(str(mapping.status), mapping.code) for mapping in CONTRACT.values() if mapping.code}
    assert {code for _, code in listed} >= set(codes())


def codes() -> Iterator[str]:
    """The codes that are written out wherever an error is made."""
    for folder in ("adapters", "gateway"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
                        yield code


def test_the_layers_are_told_in_their_order() -> None:
    told = [set(re.findall(r"`(\w+)(?:/|\.py)`", row[0])) for row in rows("What may import what", "gateway/README.md")]
    there = {path.stem for path in (ROOT / "gateway").iterdir()} - {"__main__"}
    assert told == [layer for names in ORDER["gateway"] if (layer := set(names) & there)]

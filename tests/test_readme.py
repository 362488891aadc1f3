"""The README says what the code says: flags and defaults, fields, events, headers, errors, files, commands."""

import re
import shlex
from pathlib import Path

import pytest

from adapters import registry
from gateway.api.speech_to_speech import schema
from gateway.engines.build import build
from gateway.http.errors import CONTRACT
from gateway.http.headers import HEADERS
from gateway.settings.load import load
from gateway.settings.options import Option, options

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without their heads and rules."""
    (section,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    lines = re.findall(r"(?:^\|.*\n\|[-|]+\|\n)((?:^\|.*\n)+)", section, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for table in lines for line in table.splitlines()]


def named(heading: str) -> list[str]:
    """The names in backticks of the first column."""
    return [name for row in rows(heading) for name in re.findall(r"`([^`]+)`", row[0])]


def shown_default(option: Option) -> str:
    """A default as the table spells it."""
    if option.default in (None, {}, ()):
        return "unset"
    return f"`{str(option.default).lower() if option.shape == 'switch' else option.default}`"


def test_the_flag_table_names_every_setting_and_its_default() -> None:
    expected = {
        "--llm_gen_NAME" if key == "llm_gen" else f"--{key}": shown_default(option) for key, option in options().items()
    }
    listed = [(row[0].strip("`"), row[1]) for row in rows("Flags")]
    assert dict(listed) == expected
    assert len(listed) == len(expected)


def test_the_flag_table_explains_every_setting() -> None:
    assert [row[0] for row in rows("Flags") if len(row) != 3 or not row[2]] == []


def test_every_field_is_listed() -> None:
    fields = set(schema.SpeechToSpeechRequest.__struct_fields__) | {"file"}
    listed = [name for name in named("Request fields") if name in fields]
    assert sorted(listed) == sorted(fields)


def test_every_header_is_listed() -> None:
    assert sorted(named("Response headers")) == sorted(header.name for header in HEADERS)


def test_every_event_is_listed() -> None:
    events: list[str] = [kind.__struct_config__.tag for kind in schema.Event.__args__]
    assert named("Events") == events


def test_every_error_is_listed_with_its_status() -> None:
    assert {(row[0], row[1]) for row in rows("Errors")} >= {
        (str(mapping.status), f"`{mapping.code}`") for mapping in CONTRACT.values() if mapping.code
    }


def test_every_linked_file_exists() -> None:
    linked = [target for target in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in target]
    assert [target for target in linked if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", README, re.DOTALL))
def test_the_configuration_is_understood(text: str, tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    loaded = load([str(path)], {})
    assert loaded.warnings == ()
    assert len(build(loaded).routes) == max(1, text.count("[[routes]]"))


def commands() -> list[str]:
    """Every command that serves, from the blocks of shell commands."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if re.match(r"speech-to-speech (?!ask|check)", line)]


@pytest.mark.parametrize("line", commands())
def test_commands_are_understood(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    assert load(words, {}).settings.llm_backend in registry.names("llm")

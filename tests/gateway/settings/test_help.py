"""Help, the example file and the schema say every setting once and say what the struct says."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from gateway.settings.help import example_file, help_text, schema
from gateway.settings.load import load
from gateway.settings.options import options


def test_help_lists_every_flag_once() -> None:
    words = [line.split()[0] for line in help_text("usage", 80).splitlines() if line.startswith("  --")]
    expected = [f"--{key}" for key in options()]
    place = expected.index("--llm_gen")
    documented = ("max_new_tokens", "min_new_tokens", "temperature", "do_sample", "NAME")
    expected[place : place + 1] = [f"--llm_gen_{name}" for name in documented]
    assert words == expected


def test_help_gives_the_defaults_of_documented_generation_parameters() -> None:
    text = " ".join(help_text("usage", 200).split())
    for name, default in {
        "max_new_tokens": 1024,
        "min_new_tokens": 0,
        "temperature": 0.0,
        "do_sample": "false",
    }.items():
        assert re.search(rf"--llm_gen_{name} [^\[]*\[mlx-lm, transformers; default: {default}\]", text), name


@pytest.mark.parametrize("width", [60, 80, 200])
def test_help_is_wrapped(width: int) -> None:
    lines = help_text("usage", width).splitlines()
    assert max(len(line) for line in lines) <= width
    assert any(line.startswith(" " * 30) for line in lines)


def test_every_setting_is_described() -> None:
    assert [option.key for option in options().values() if not option.description] == []


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("mode", "/v1/realtime is always served"),
    ],
)
def test_what_has_no_effect_yet_says_so(key: str, told: str) -> None:
    assert told in options()[key].description


def test_example_gives_the_defaults_when_uncommented(tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") for line in example_file().splitlines()]
    set_lines = [line for line in lines if line.partition(" =")[0] in options() and not line.endswith(" =")]
    path = tmp_path / "example.toml"
    path.write_text("\n".join(set_lines), encoding="utf-8")
    loaded = load([str(path), "--llm_backend", "echo"], {})
    defaults = load(["--llm_backend", "echo"], {})
    for key in set(options()) - {"config"}:
        assert getattr(loaded.settings, key) == getattr(defaults.settings, key), key


def test_example_as_it_is_sets_nothing() -> None:
    assert tomllib.loads(example_file()) == {}


def test_schema_knows_every_key_and_its_choices() -> None:
    described = json.loads(schema())
    assert set(described["properties"]) == set(options()) - {"config"} | {"routes", "keys"}
    assert "echo" in described["properties"]["llm_backend"]["anyOf"][0]["enum"]
    assert described["properties"]["vad"]["default"] == "auto"
    route = described["properties"]["routes"]["items"]
    assert route["required"] == ["name"]
    assert "port" not in route["properties"]
    assert {"name", "aliases", "voice"} <= set(route["properties"])


def test_schema_knows_upstreams() -> None:
    upstream = json.loads(schema())["properties"]["routes"]["items"]["properties"]["upstreams"]["items"]
    assert {"name", "weight", "model_name", "responses_api_base_url"} <= set(upstream["properties"])
    assert not {"voice", "port", "llm_backend", "fallbacks"} & set(upstream["properties"])
    assert upstream["required"] == ["name"]

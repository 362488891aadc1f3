from pathlib import Path
from typing import Any

import pytest

from adapters.guards.patterns.adapter import PatternGuard
from adapters.options import BadOption, Secret
from gateway.settings.guard_table import GuardRules
from gateway.settings.guards import guard_tables
from gateway.settings.load import load
from gateway.settings.model import Loaded, SettingsError
from gateway.settings.show import effective

FILE = """
[[guards]]
name = "cards"
kind = "patterns"
on = ["answer"]
routes = ["echo"]
action = "replace"
sentence = "That is a secret."
timeout_seconds = 1
on_failure = "open"
patterns = ['\\d{16}']

[[guards]]
name = "openai"
kind = "moderations"
thresholds = { violence = 0.4 }
"""


def loaded(tmp_path: Path, text: str = FILE, **environment: str) -> Loaded:
    path = tmp_path / "gateway.toml"
    path.write_text(text)
    return load([str(path)], environment)


def test_a_guard_has_rules_and_the_options_of_its_kind(tmp_path: Path) -> None:
    cards, openai = loaded(tmp_path).guards
    assert cards.rules == GuardRules(
        name="cards",
        kind="patterns",
        on=("answer",),
        routes=("echo",),
        action="replace",
        sentence="That is a secret.",
        timeout_seconds=1.0,
        on_failure="open",
    )
    assert cards.options == PatternGuard.Options(patterns=(r"\d{16}",))
    assert openai.rules.on == ("transcript", "answer")
    assert (openai.rules.action, openai.rules.on_failure) == ("refuse", "closed")


def test_the_key_of_the_environment_is_for_the_providers_own_server(tmp_path: Path) -> None:
    own = FILE + '\n[[guards]]\nname = "own"\nkind = "moderations"\nbase_url = "http://localhost:9/v1"\n'
    keyed = FILE.replace("thresholds", 'api_key = "sk-file"\nthresholds')
    _, openai, elsewhere = loaded(tmp_path, own, OPENAI_API_KEY="sk-env").guards
    assert openai.options.api_key == Secret("sk-env")  # type: ignore[attr-defined]
    assert elsewhere.options.api_key is None  # type: ignore[attr-defined]
    assert loaded(tmp_path, keyed, OPENAI_API_KEY="sk-env").guards[1].options.api_key == Secret("sk-file")  # type: ignore[attr-defined]


def test_what_is_in_effect_is_shown_without_secrets(tmp_path: Path) -> None:
    shown = effective(loaded(tmp_path, OPENAI_API_KEY="sk-env"))
    assert 'name = "cards"' in shown
    assert "sk-env" not in shown
    again = loaded(tmp_path, shown)
    assert [guard.rules for guard in again.guards] == [guard.rules for guard in loaded(tmp_path).guards]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"kind": "patterns"}, r"guard 1 cannot be used: it lacks 'name'"),
        ({"name": "a", "kind": "patterns", "on": []}, "of length >= 1"),
        ({"name": "a", "kind": "patterns", "on": ["question"]}, "'question'"),
        ({"name": "a", "kind": "patterns", "action": "laugh"}, "'laugh'"),
        ({"name": "a", "kind": "patterns", "timeout_seconds": 0}, "> 0.0"),
        (
            {"name": "a", "kind": "patterns", "pattern": ["x"]},
            r"\('a'\): unknown key 'pattern'; patterns has name, .*patterns",
        ),
        ({"name": "a", "kind": "moderations", "thresholds": {"hate": 2}}, r"\('a'\) cannot be used: .*<= 1.0"),
    ],
)
def test_each_mistake_has_its_sentence(table: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        guard_tables([table], "gateway.toml")


def test_other_mistakes(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'guards' must be a list of tables"):
        loaded(tmp_path, "guards = 3")
    with pytest.raises(SettingsError, match="two guards have the name 'a'"):
        guard_tables([{"name": "a", "kind": "patterns"}] * 2, "gateway.toml")
    with pytest.raises(BadOption, match="There is no guard 'magic'"):
        guard_tables([{"name": "a", "kind": "magic"}], "gateway.toml")

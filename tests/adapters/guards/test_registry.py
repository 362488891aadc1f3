from pathlib import Path

import pytest

from adapters.guards.patterns.adapter import PatternGuard
from adapters.guards.registry import description, guard_class, kinds
from adapters.options import BadOption
from tests.support.plug_ins import engine, install


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where plug-ins are installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_guards_of_this_distribution() -> None:
    assert set(kinds()) == {"moderations", "patterns"}
    assert guard_class("patterns") is PatternGuard
    api_key = description(guard_class("moderations")).api_key
    assert api_key is not None
    assert api_key.name == "OPENAI_API_KEY"


def test_a_plug_in_is_found_and_does_not_take_the_place_of_our_own(folder: Path) -> None:
    entries = {("guards", "theirs"): "their_guard:Engine", ("guards", "patterns"): "their_guard:Engine"}
    install(folder, "their-guards", entries, their_guard=engine())
    assert guard_class("theirs").__module__ == "their_guard"
    assert guard_class("patterns") is PatternGuard


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(BadOption, match="There is no guard 'magic'; installed are moderations, patterns"):
        guard_class("magic")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import missing_package_of_theirs", "ModuleNotFoundError"),
        ("class Engine: pass", "it has no Options"),
        (engine(option="pause: int = 1"), "its option 'pause' has no description"),
    ],
)
def test_a_broken_plug_in_says_why(source: str, why: str, folder: Path) -> None:
    install(
        folder,
        "their-guards",
        {("guards", "broken"): f"broken_{len(source)}:Engine"},
        **{f"broken_{len(source)}": source},
    )
    with pytest.raises(BadOption, match=f"The guard 'broken' of their-guards cannot be used: {why}"):
        guard_class("broken")


def test_of_two_plug_ins_with_one_name_neither_is_used(folder: Path) -> None:
    for name in ("one", "two"):
        install(folder, name, {("guards", "twice"): f"guard_{name}:Engine"}, **{f"guard_{name}": engine()})
    with pytest.raises(BadOption, match="uninstall all but one of them"):
        guard_class("twice")

"""The registry: engines of other distributions are found, and a broken one costs itself and one line in the log."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import registry
from adapters.contract.description import EngineDescription
from adapters.guards.patterns.adapter import PatternGuard
from adapters.options import BadOption
from tests.support.plug_ins import discovered_anew, engine, install


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where plug-ins are installed; they are found when the registry is first asked."""
    monkeypatch.syspath_prepend(tmp_path)
    modules = set(sys.modules)
    with discovered_anew():
        yield tmp_path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_the_engines_of_this_distribution_are_sound(caplog: pytest.LogCaptureFixture) -> None:
    with discovered_anew():
        assert registry.names("llm") == ("chat-completions", "echo", "mlx-lm", "responses-api", "transformers")
    assert lines(caplog) == []


def test_guards_are_found_as_engines_are_and_are_none(folder: Path) -> None:
    entries = {("guards", "theirs"): "their_guard:Engine", ("guards", "patterns"): "their_guard:Engine"}
    install(folder, "their-guards", entries, their_guard=engine())
    assert registry.names("guards") == ("moderations", "patterns", "theirs")
    assert registry.adapter_class("guards", "theirs").__module__ == "their_guard"
    assert registry.adapter_class("guards", "patterns") is PatternGuard
    api_key = registry.description("guards", "moderations").api_key
    assert api_key is not None
    assert api_key.name == "OPENAI_API_KEY"
    assert "guards" not in {stage for stage, _ in registry.engines()}
    with pytest.raises(BadOption, match="There is no guard 'magic'; installed are moderations, patterns, theirs"):
        registry.adapter_class("guards", "magic")


def test_a_broken_guard_says_why(folder: Path) -> None:
    install(folder, "their-guards", {("guards", "broken"): "broken_guard:Engine"}, broken_guard="class Engine: pass")
    with pytest.raises(BadOption, match="The guard 'broken' of their-guards cannot be used: it has no Options"):
        registry.adapter_class("guards", "broken")


def test_an_engine_of_another_distribution_is_found(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    install(folder, "some-voice", {("tts", "some"): "some_voice:Engine"}, some_voice=engine())
    assert "some" in registry.names("tts")
    assert "some" not in registry.names("llm")
    assert registry.options_class("tts", "some").__struct_fields__ == ("plug_in_pause",)
    assert registry.description("tts", "some") == EngineDescription()
    assert registry.rejection("tts", "some") is None
    assert lines(caplog) == []


BROKEN = {
    "a package that is missing": ("import nowhere", "importing it failed (ModuleNotFoundError, nowhere)"),
    "an error": ("raise ValueError('private words')", "importing it failed (ValueError)"),
    "no Python": ("class", "importing it failed (SyntaxError)"),
    "an exit": ("raise SystemExit(0)", "importing it failed (SystemExit)"),
    "no class": ("", "importing it failed (AttributeError)"),
    "no options": ("class Engine: pass", "it has no Options"),
    "options that are no struct": ("class Engine:\n    Options = dict", "it has no Options"),
    "an option without a default": (
        engine('pause: Annotated[int, msgspec.Meta(description="s")]'),
        "its option 'pause' has no default",
    ),
    "an option without a description": (engine("pause: int = 1"), "its option 'pause' has no description"),
    "an option of a strange type": (
        engine('pause: Annotated[bytes, msgspec.Meta(description="s")] = b""'),
        "BytesType",
    ),
    "an option of two types": (
        engine('pause: Annotated[int | str, msgspec.Meta(description="s")] = 1'),
        "one of several types",
    ),
    "an option that chooses among numbers": (
        "from typing import Literal\n" + engine('pause: Annotated[Literal[1], msgspec.Meta(description="s")] = 1'),
        "LiteralType",
    ),
    "a type that is not there": (engine("pause: 'Nowhere' = 1"), "reading its options failed (NameError)"),
    "another description": (engine(description="'fast'"), "its description is not an EngineDescription"),
    "a description of other options": (
        engine(description='EngineDescription(mac_options={"theirs": 1})'),
        "its description names options that it does not have (theirs)",
    ),
    "a key of other options": (
        engine(
            description='EngineDescription(api_key=ApiKeyVariable(name="K", key_option="k", url_option="u", host="h"))'
        ),
        "its description names options that it does not have (k, u)",
    ),
}


@pytest.mark.parametrize("source", BROKEN)
def test_a_broken_engine_costs_itself_and_one_line(source: str, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    module, reason = BROKEN[source]
    install(folder, "broken-one", {("llm", "broken"): "broken_one:Engine"}, broken_one=module)
    install(folder, "sound-one", {("llm", "sound"): "sound_one:Engine"}, sound_one=engine())
    assert "broken" not in registry.names("llm")
    assert registry.description("llm", "sound") == EngineDescription()
    (line,) = lines(caplog)
    assert line.startswith("The llm engine 'broken' of broken-one cannot be used: ")
    assert reason in line
    assert "private" not in line
    assert "\n" not in line
    assert registry.rejection("llm", "broken") == line
    with pytest.raises(BadOption) as refused:
        registry.adapter_class("llm", "broken")
    assert str(refused.value) == line


def test_an_entry_point_that_names_nothing(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    install(folder, "broken-one", {("vad", "broken"): "not a module!"})
    assert "broken" not in registry.names("vad")
    assert len(lines(caplog)) == 1


def test_metadata_that_cannot_be_read(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    install(folder, "broken-one", {})
    (folder / "broken_one-1.0.dist-info" / "entry_points.txt").write_text("[speech_gateway.llm]\nnonsense\n")
    assert "echo" in registry.names("llm")
    assert lines(caplog) == ["The entry points of broken-one cannot be read (TypeError)."]


def test_an_engine_that_is_not_there() -> None:
    with pytest.raises(BadOption, match=r"There is no vad engine 'nobody'; installed are energy."):
        registry.adapter_class("vad", "nobody")


def test_a_name_of_this_distribution_stays_its_own(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    install(folder, "a-parrot", {("llm", "echo"): "a_parrot:Engine"}, a_parrot=engine())
    assert registry.adapter_class("llm", "echo").__module__ == "adapters.llm.echo"
    assert lines(caplog) == ["The llm engine 'echo' of a-parrot is not used: speech-gateway has one of that name."]


def test_of_two_plug_ins_with_one_name_neither_is_used(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("one", "other"):
        install(folder, name, {("llm", "same"): f"{name}:Engine", ("stt", name): f"{name}:Engine"}, **{name: engine()})
    assert "same" not in registry.names("llm")
    assert {"one", "other"} < set(registry.names("stt"))
    assert lines(caplog) == [
        "The llm engine 'same' of one cannot be used: other has one of the same name; uninstall all but one of them."
    ]
    with pytest.raises(BadOption, match="'same' of one cannot be used: other has"):
        registry.adapter_class("llm", "same")


def test_a_distribution_that_is_installed_twice_is_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for place in (folder / "first", folder / "second"):
        place.mkdir()
        install(place, "twice", {("llm", "twice"): "twice:Engine"}, twice=engine())
        monkeypatch.syspath_prepend(place)
    assert registry.adapter_class("llm", "twice").__module__ == "twice"
    assert lines(caplog) == []


def test_engines_of_this_distribution_are_considered_first(folder: Path) -> None:
    install(folder, "a-voice", {("llm", "a"): "a:Engine", ("vad", "a"): "a:Engine"}, a=engine())
    engines = registry.engines()
    assert engines[-2:] == (("llm", "a"), ("vad", "a"))
    assert engines[0] == ("llm", "chat-completions")

"""The engines' options beside the gateway's own settings, and what engines say about themselves in use."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path

import msgspec
import pytest

from adapters.options import BadOption, Secret
from gateway.settings import composition, declaration
from gateway.settings.help import help_text
from gateway.settings.load import load
from gateway.settings.model import GatewaySettings, SettingsError
from gateway.settings.options import options
from tests.support.plug_ins import discovered_anew, engine, install

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where plug-ins are installed."""
    monkeypatch.syspath_prepend(tmp_path)
    modules = set(sys.modules)
    with discovered_anew():
        yield tmp_path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def plug_in(folder: Path, name: str, source: str, stage: str = "llm") -> None:
    """The engine ``name`` of a distribution and a module that are called like it."""
    install(folder, name, {(stage, name): f"{name}:Engine"}, **{name: source})


def option(name: str, default: object = None, kind: str = "str | None") -> str:
    return f'{name}: Annotated[{kind}, msgspec.Meta(description="An option.")] = {default!r}'


def test_an_engine_that_names_a_setting_of_the_gateway_reads_it(folder: Path) -> None:
    plug_in(folder, "reading", engine(option("model_name", "its own", "str")))
    fields = {field.name: field for field in msgspec.structs.fields(composition.settings_type())}
    (declared,) = [field for field in msgspec.structs.fields(GatewaySettings) if field.name == "model_name"]
    assert fields["model_name"].type == declared.type
    assert fields["model_name"].default is None
    assert "reading" in composition.choices("llm")


def test_an_engine_that_declares_an_option_differently_costs_itself(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plug_in(folder, "other", engine(option("stt_model", "theirs")))
    assert "other" not in composition.choices("llm")
    assert options()["stt_model"].engines == ("faster-whisper", "openai", "transformers")
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line == (
        "The llm engine 'other' cannot be used: another engine declares its option 'stt_model' differently."
    )
    with pytest.raises(BadOption) as refused:
        load(["--llm_backend", "other"], {})
    assert str(refused.value) == f"--llm_backend 'other': {line}"


def test_what_engines_only_read_is_described_as_the_gateways_own() -> None:
    assert options()["model_name"].engines == ()
    assert options()["model_name"].group == declaration.LANGUAGE_MODEL
    assert options()["llm_gen"].engines == ("mlx-lm", "transformers")
    assert options()["llm_device"].engines == ("transformers",)
    assert options()["stt_device"].group == declaration.RECOGNITION


@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        ([], None),
        (["chat_size", "voice"], None),
        (["model_name"], ("transformers", "model_name")),
        (["llm_gen_top_k", "model_name"], ("transformers", "model_name")),
        (["llm_device", "responses_api_seed", "responses_api_stream"], ("responses-api", "responses_api_seed")),
    ],
)
def test_which_engine_options_select(keys: list[str], selected: tuple[str, str] | None) -> None:
    assert composition.selected_engine("llm", keys) == selected


def test_the_longest_prefix_selects_and_the_own_engine_of_two_alike(folder: Path) -> None:
    described = "EngineDescription(selected_by=('llm_quick_', 'responses_api_'))"
    plug_in(folder, "a_quick", engine(option("llm_quick_size"), described))
    assert composition.selected_engine("llm", ["llm_quick_size"]) == ("a_quick", "llm_quick_size")
    assert composition.selected_engine("llm", ["responses_api_seed"]) == ("responses-api", "responses_api_seed")


def test_help_says_which_engine_options_select() -> None:
    assert composition.selection_rule("llm") == (
        "responses-api if responses_api_* is set, else transformers if model_name or llm_* is set, else echo"
    )
    assert composition.selection_rule("stt") == "openai if stt_base_url is set, else auto"
    assert composition.selection_rule("vad") is None
    assert options()["vad"].default == "auto"
    assert options()["llm_backend"].default is None


def test_a_plug_in_is_not_the_default_where_there_is_one(folder: Path) -> None:
    plug_in(folder, "a_voice", engine(description="EngineDescription(default=True)"), "tts")
    assert composition.embedded_engine("tts") == "espeak"


@pytest.fixture
def _without_a_voice(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The modules of all synthesisers cannot be imported."""
    for entry in entry_points(group="speech_gateway.tts"):
        monkeypatch.setitem(sys.modules, entry.module, None)
    with discovered_anew():
        yield


@pytest.mark.usefixtures("_without_a_voice")
def test_a_stage_without_a_default_is_told_and_help_goes_on() -> None:
    assert "--tts" in help_text("usage", 80)
    with pytest.raises(SettingsError, match="No engine is the default for --tts here; name one of "):
        load([], {})


DESCRIBED = """EngineDescription(
    default_model="small",
    start_note="It only mumbles.",
    api_key=ApiKeyVariable(name="MUMBLE_KEY", key_option="mumble_key", url_option="mumble_url", host="mumble.example"),
    fallback_options={"mumble_tries": 1},
    mac_options={"mumble_tries": 3},
    mac_default=True,
)"""
MUMBLE = "from adapters.options import Secret\n" + engine(
    "\n        ".join(
        [
            option("mumble_key", kind="Secret | None"),
            option("mumble_url"),
            option("mumble_tries", 2, "int"),
        ]
    ),
    DESCRIBED,
)


def values(words: list[str], environment: Mapping[str, str]) -> dict[str, tuple[object, str]]:
    loaded = load(["--llm_backend", "mumble", *words], environment)
    keys = ("model_name", "mumble_key", "mumble_tries")
    return {key: (getattr(loaded.settings, key), loaded.origins[key]) for key in keys}


def test_an_engine_proposes_values(folder: Path) -> None:
    plug_in(folder, "mumble", MUMBLE)
    assert values([], {"MUMBLE_KEY": "mk"}) == {
        "model_name": ("small", "default of mumble"),
        "mumble_key": (Secret("mk"), "environment MUMBLE_KEY"),
        "mumble_tries": (2, "default"),
    }
    assert values(["--fallbacks", "b", "--mumble_key", "own"], {"MUMBLE_KEY": "mk"}) == {
        "model_name": ("small", "default of mumble"),
        "mumble_key": (Secret("own"), "flag --mumble_key"),
        "mumble_tries": (1, "default with fallbacks"),
    }
    assert values(["--fallbacks", "b", "--mumble_tries", "5"], {})["mumble_tries"] == (5, "flag --mumble_tries")


@pytest.mark.parametrize(
    ("url", "told"), [(None, False), ("https://mumble.example/v1", False), ("http://user:pw@elsewhere/v1", True)]
)
def test_a_key_that_goes_to_another_host_is_told(folder: Path, url: str | None, told: bool) -> None:
    plug_in(folder, "mumble", MUMBLE)
    words = ["--llm_backend", "mumble", *(["--mumble_url", url] if url else [])]
    warnings = load(words, {"MUMBLE_KEY": "mk", "OPENAI_API_KEY": "sk"}).warnings
    expected = ("MUMBLE_KEY is sent to elsewhere; give --mumble_key to send another key there.",)
    assert warnings == (expected if told else ())


def test_what_suits_a_mac(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(folder, "mumble", MUMBLE)
    monkeypatch.setattr(sys, "platform", "darwin")
    settings = load(["--local_mac_optimal_settings"], {}).settings
    assert settings.llm_backend == "mlx-lm", "the own engine goes before a plug-in"
    assert getattr(settings, "mumble_tries") == 3  # noqa: B009 - an engine's


def test_notes_at_the_start_are_said_once(folder: Path) -> None:
    plug_in(folder, "mumble", MUMBLE)
    mumbling, plain = load(["--llm_backend", "mumble"], {}), load(["--responses_api_stream"], {})
    assert composition.start_notes([*mumbling.routes, *plain.routes, *mumbling.routes]) == ["It only mumbles."]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command where all plug-ins of ``folder`` are installed."""
    command = "import sys; from gateway.cli.main import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", command, *words],
        env=os.environ | {"PYTHONPATH": str(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--help"], 0, "--plug_in_pause"),
        (["config", "--llm_backend", "sound"], 0, 'llm_backend = "sound"'),
        (["--llm_backend", "broken"], 2, "--llm_backend 'broken': The llm engine 'broken' of broken cannot be used"),
    ],
)
def test_the_command_goes_on_without_what_is_broken(tmp_path: Path, words: list[str], status: int, said: str) -> None:
    plug_in(tmp_path, "broken", "import nowhere")
    plug_in(tmp_path, "sound", engine())
    plug_in(tmp_path, "differing", engine(option("stt_model", "theirs")))
    ran = run(tmp_path, *words)
    assert ran.returncode == status
    assert said in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    told = [line for line in ran.stderr.splitlines() if not line.startswith("speech-to-speech:")]
    assert [line.split("'")[1] for line in told] == ["broken", "differing"]


def test_of_ranked_engines_the_best_is_taken_automatically_and_the_embedded_one_last(folder: Path) -> None:
    plug_in(folder, "a_voice", engine(description="EngineDescription(rank=1000)"), "tts")
    chosen = composition.automatic("tts")
    assert (chosen[0], chosen[-1]) == ("a_voice", "espeak")
    assert composition.default_engine("tts") == "auto"
    assert "auto" in composition.choices("tts")
    assert composition.selection_rule("tts") == "openai if tts_base_url is set, else auto"
    assert options()["tts"].default is None
    (route,) = load([], {}).routes
    assert route.settings.tts == "auto"
    assert [name for stage, name in composition.route_engines(route) if stage == "tts"] == list(chosen)
    assert load(["--plug_in_pause", "2"], {}).warnings == ()
    assert composition.automatic("llm") == ()

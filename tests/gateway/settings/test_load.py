"""Loading: which value wins, which backend is chosen, what the routes are, what is warned about."""

import json
import sys
from pathlib import Path

import pytest

from adapters.options import Secret
from gateway.settings.load import load
from gateway.settings.model import Loaded, SettingsError

HUB = "https://router.huggingface.co/v1"
LOCAL = "http://localhost:8000/v1"


def write(folder: Path, text: str, name: str = "gateway.toml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_file_then_environment_then_flags(tmp_path: Path) -> None:
    path = write(tmp_path, "port = 1\nmax_queue = 1\nspeed = 1\nllm_gen_top_k = 1\n[llm_gen]\ntop_p = 0.5\nseed = 1\n")
    environment = {"S2S_MAX_QUEUE": "2", "S2S_SPEED": "2", "S2S_LLM_GEN_SEED": "2", "S2S_LLM_GEN_TOP_P": "0.6"}
    loaded = load([path, "--speed", "3", "--llm_gen_seed", "3"], environment)
    assert (loaded.settings.port, loaded.settings.max_queue, loaded.settings.speed) == (1, 2, 3.0)
    assert getattr(loaded.settings, "llm_gen") == {"top_k": 1, "top_p": 0.6, "seed": 3}  # noqa: B009 - an engine's
    assert {key: loaded.origins[key] for key in ("host", "port", "max_queue", "speed", "llm_gen_seed")} == {
        "host": "default",
        "port": f"file {path}",
        "max_queue": "environment S2S_MAX_QUEUE",
        "speed": "flag --speed",
        "llm_gen_seed": "flag --llm_gen_seed",
    }


def test_every_setting_has_an_origin() -> None:
    loaded = load(["--responses_api_base_url", LOCAL], {})
    assert set(type(loaded.settings).__struct_fields__) == set(loaded.origins)
    assert loaded.origins["llm_backend"] == "chosen by responses_api_base_url"
    assert loaded.origins["model_name"] == "default of responses-api"


@pytest.mark.parametrize("words", [["{}"], ["--config", "{}"]])
def test_json_file(tmp_path: Path, words: list[str]) -> None:
    content = {"port": 0, "model_name": None, "responses_api_stop": "END", "routes": [{"name": "one", "voice": "echo"}]}
    path = write(tmp_path, json.dumps(content), "gateway.json")
    loaded = load([word.format(path) for word in words], {})
    assert loaded.settings.config == path
    assert loaded.settings.port == 0
    assert loaded.settings.llm_backend == "responses-api"
    assert getattr(loaded.settings, "responses_api_stop") == ("END",)  # noqa: B009 - an engine's
    assert [route.settings.voice for route in loaded.routes] == ["echo"]


def test_file_from_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, 'voice = "echo"')
    assert load([], {"S2S_CONFIG": path}).settings.voice == "echo"


def test_routes_override_and_choose_for_themselves(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        speed = 1.5
        [[routes]]
        name = "quick"
        aliases = ["s2s"]
        responses_api_base_url = "http://localhost:8000/v1"
        [[routes]]
        name = "parrot"
        llm_backend = "echo"
        speed = 1
        """,
    )
    loaded = load([path], {"OPENAI_API_KEY": "sk-1"})
    quick, parrot = loaded.routes
    assert (quick.name, quick.aliases, parrot.aliases) == ("quick", ("s2s",), ())
    assert (quick.settings.llm_backend, quick.settings.model_name) == ("responses-api", "gpt-4o-mini")
    assert (parrot.settings.llm_backend, parrot.settings.model_name) == ("echo", "echo")
    assert (loaded.settings.speed, quick.settings.speed, parrot.settings.speed) == (1.5, 1.5, 1.0)
    assert quick.origins["responses_api_api_key"] == "environment OPENAI_API_KEY"
    assert parrot.origins["responses_api_api_key"] == "default"
    assert quick.origins["responses_api_base_url"] == f"file {path}"


@pytest.mark.parametrize(
    ("words", "environment", "backend"),
    [
        ([], {}, "echo"),
        ([], {"OPENAI_API_KEY": "sk-1"}, "echo"),
        ([], {"S2S_RESPONSES_API_STREAM": "no"}, "responses-api"),
        ([], {"S2S_MODEL_NAME": "m"}, "transformers"),
        (["--llm_device", "cpu", "--responses_api_seed", "1"], {}, "responses-api"),
        (["--responses_api_seed", "1"], {"S2S_LLM_BACKEND": "echo"}, "echo"),
    ],
)
def test_backend_when_none_is_named(words: list[str], environment: dict[str, str], backend: str) -> None:
    assert load(words, environment).settings.llm_backend == backend


@pytest.mark.parametrize(
    ("words", "key"),
    [(["--responses_api_stream"], "sk-env"), (["--responses_api_api_key="], ""), (["--llm_backend", "echo"], None)],
)
def test_key_from_the_environment(words: list[str], key: str | None) -> None:
    loaded = load(words, {"OPENAI_API_KEY": "sk-env"})
    assert getattr(loaded.settings, "responses_api_api_key") == (None if key is None else Secret(key))  # noqa: B009


def test_an_empty_openai_key_is_none() -> None:
    loaded = load(["--responses_api_stream"], {"OPENAI_API_KEY": ""})
    assert loaded.origins["responses_api_api_key"] == "default"


def warnings(*words: str, **environment: str) -> tuple[str, ...]:
    return load(words, environment).warnings


def test_a_url_that_is_none_is_told_without_its_password() -> None:
    (warning,) = warnings("--responses_api_base_url", "https://user:hidden@[broken", OPENAI_API_KEY="sk")
    assert warning.startswith("OPENAI_API_KEY is sent to https://***@[broken;")


@pytest.mark.parametrize(("word", "value"), [("off", False), ("ON", True), ("yes", True), ("no", False), ("0", False)])
def test_a_switch_in_the_environment(word: str, value: bool) -> None:
    loaded = load([], {"S2S_COMPACT_HISTORY": word, "S2S_LLM_GEN_DO_SAMPLE": word})
    assert loaded.settings.compact_history is value
    assert getattr(loaded.settings, "llm_gen")["do_sample"] is value  # noqa: B009 - an engine's


def test_nothing_to_warn_about() -> None:
    assert warnings("--responses_api_disable_thinking", "--voice", "echo", "--mode", "realtime", HOME="/") == ()


def test_settings_of_other_engines_are_named_once() -> None:
    (warning,) = warnings("--llm_backend", "echo", "--llm-device", "cpu", "--llm_gen_seed=1", S2S_LLM_IS_VLM="1")
    assert warning.startswith("S2S_LLM_IS_VLM, --llm_device, --llm_gen_seed: no effect")


def test_settings_of_the_recogniser_belong_to_the_one_that_is_selected() -> None:
    assert warnings("--stt", "transformers", "--stt_model", "m", "--stt_device", "cpu") == ()
    (warning,) = warnings("--stt", "pocketsphinx", "--stt_model", "m", "--stt_torch_dtype=float32")
    assert warning.startswith("--stt_model, --stt_torch_dtype: no effect")


def test_a_setting_that_one_route_uses_is_used(tmp_path: Path) -> None:
    routes = '[[routes]]\nname = "a"\nllm_backend = "echo"\n[[routes]]\nname = "b"\nllm_backend = "responses-api"\n'
    assert load([write(tmp_path, f"responses_api_seed = 1\n{routes}")], {}).warnings == ()


def test_the_store_of_conversations_is_a_secret() -> None:
    settings = load(["--conversation_store", "redis://:pw@localhost/0"], {}).settings
    assert settings.conversation_store == Secret("redis://:pw@localhost/0")
    assert "pw" not in repr(settings)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--responses_api_base_url", HUB], 1),
        (["--responses_api_base_url", "https://[broken"], 1),
        (["--responses_api_base_url", "https://api.openai.com/v1"], 0),
        (["--responses_api_stream"], 0),
        (["--responses_api_base_url", HUB, "--responses_api_api_key", "hf"], 0),
    ],
)
def test_openai_key_sent_elsewhere(words: list[str], count: int) -> None:
    found = warnings(*words, OPENAI_API_KEY="sk-private")
    assert len(found) == count
    assert not any("sk-private" in warning for warning in found)


def test_unknown_environment_names_the_nearest() -> None:
    assert warnings(S2S_CHAT_SISE="3") == (
        "S2S_CHAT_SISE in the environment is not a setting: did you mean S2S_CHAT_SIZE?",
    )


def on_mac(monkeypatch: pytest.MonkeyPatch, *words: str) -> Loaded:
    monkeypatch.setattr(sys, "platform", "darwin")
    return load(["--local_mac_optimal_settings", *words], {})


def test_mac_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = on_mac(monkeypatch)
    assert loaded.settings.llm_backend == "mlx-lm"
    assert loaded.origins["llm_device"] == "preset of --local_mac_optimal_settings"
    assert loaded.warnings == ()
    assert on_mac(monkeypatch, "--llm_backend", "echo").settings.llm_backend == "echo"


def test_mac_presets_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(SettingsError, match="is for macOS"):
        load(["--local_mac_optimal_settings"], {})
    assert load(["--no_local_mac_optimal_settings"], {}).settings.llm_backend == "echo"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["serve"], "'serve' is neither a command"),
        (["a.toml", "b.toml"], "Only one configuration file"),
        (["a.toml", "--config", "b.toml"], "Only one configuration file"),
        (["--config", "a.yaml"], "must end in .toml or .json"),
        (["absent.toml"], "'absent.toml' cannot be read: No such file"),
        (["--llm_backend", "opnai"], "'opnai' is not one of chat-completions, echo, mlx-lm, responses-api"),
        (["--stt", "whisper"], "--stt 'whisper' is not one of "),
    ],
)
def test_errors(words: list[str], message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(words, {})
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_options_of_a_fallback_have_an_effect() -> None:
    flags = ["--stt", "transformers", "--stt_model", "m", "--pocketsphinx_workers", "1"]
    assert "--pocketsphinx_workers: no effect" in load(flags, {}).warnings[0]
    assert load([*flags, "--stt_fallbacks", "pocketsphinx"], {}).warnings == ()

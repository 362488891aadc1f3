"""How far work ahead goes: as far as the engines are near, where the operator does not say."""

from pathlib import Path

import pytest

from gateway.engines.build import build
from gateway.engines.route import ServedRoute
from gateway.realtime.reach import reach_of
from gateway.settings.load import load

FAR = ("--llm_backend", "chat-completions", "--model_name", "m", "--responses_api_api_key", "sk-1")


def route(*flags: str) -> ServedRoute:
    (served,) = build(load([*flags], {})).routes
    return served


@pytest.mark.parametrize(
    ("flags", "reach"),
    [
        ((), "tts"),
        (FAR, "stt"),
        ((*FAR, "--responses_api_base_url", "http://127.0.0.1:8000/v1"), "tts"),
        ((*FAR, "--responses_api_base_url", "http://192.168.1.5:8000/v1"), "tts"),
        ((*FAR, "--responses_api_base_url", "http://vllm:8000/v1"), "tts"),
        ((*FAR, "--responses_api_base_url", "http://8.8.8.8:8000/v1"), "stt"),
        ((*FAR, "--responses_api_base_url", "https://models.example.com/v1"), "stt"),
        (("--tts", "openai", "--tts_api_key", "sk-1"), "llm"),
        (("--tts", "openai", "--tts_base_url", "http://localhost:9000/v1"), "tts"),
    ],
)
def test_as_far_as_nobody_has_to_be_paid(flags: tuple[str, ...], reach: str) -> None:
    assert reach_of(route(*flags), "auto") == reach


@pytest.mark.parametrize(("second", "reach"), [("http://10.0.0.2/v1", "tts"), ("https://models.example.com/v1", "stt")])
def test_every_upstream_of_the_model_counts(tmp_path: Path, second: str, reach: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        'responses_api_base_url = "http://10.0.0.1/v1"\n[[routes]]\nname = "a"\n'
        f'upstreams = [{{ name = "one" }}, {{ name = "two", responses_api_base_url = "{second}" }}]\n'
    )
    assert reach_of(route(*FAR, str(file)), "auto") == reach


def test_as_far_as_the_operator_says() -> None:
    for wanted in ("off", "stt", "llm", "tts"):
        assert reach_of(route(*FAR), wanted) == wanted

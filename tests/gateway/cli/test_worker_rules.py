"""Several workers have to share what clients see as one, and must not each load a model."""

import sys
from pathlib import Path

import pytest

from gateway.cli.worker_rules import check_workers
from gateway.settings.load import load
from gateway.settings.model import SettingsError

STORES = ("--conversation_store", "redis://localhost/0", "--usage_store", "redis://localhost/1")
LIGHT = ("--llm_backend", "echo", "--stt", "pocketsphinx", "--tts", "espeak")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one process")
@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (LIGHT, "give --conversation_store the address of a Valkey or Redis"),
        ((*LIGHT, *STORES[:2]), "give --usage_store the address"),
        ((*LIGHT, *STORES, "--stt", "faster-whisper"), r"the model of faster-whisper \(--stt faster-whisper of echo\)"),
        ((*LIGHT, *STORES, "--stt", "auto"), r"the model of faster-whisper \(--stt auto of echo\)"),
        ((*STORES, "--model_name", "tiny"), r"the model of transformers \(--llm_backend transformers of tiny\)"),
        ((*LIGHT, *STORES, "--tts_fallbacks", "piper"), "the model of piper"),
    ],
)
def test_what_cannot_be_shared_is_refused(flags: tuple[str, ...], says: str) -> None:
    with pytest.raises(SettingsError, match=f"--workers 2: .*{says}"):
        check_workers(load(["--workers", "2", *flags], {}))
    check_workers(load(list(flags), {}))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one process")
def test_engines_without_weights_and_behind_servers_are_allowed(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        'workers = 4\nconversation_store = "redis://localhost/0"\nusage_store = "redis://localhost/0"\n'
        '[[routes]]\nname = "a"\nllm_backend = "chat-completions"\nstt = "openai"\ntts = "openai"\n'
        'upstreams = [{ name = "x" }, { name = "y" }]\n[[routes]]\nname = "b"\nllm_backend = "echo"\n'
        'stt = "pocketsphinx"\ntts = "espeak"\n'
    )
    check_workers(load([str(file)], {"OPENAI_API_KEY": "sk-x"}))


def test_other_systems_have_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SettingsError, match="--workers 2 needs Linux"):
        check_workers(load(["--workers", "2", *LIGHT, *STORES], {}))

"""Weights that ``ask`` has to download: it says how far it is on standard error, and speaks with them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")
pytest.importorskip("piper", reason="needs piper")

from tests.models import real
from tests.support.hub_server import hub_server
from tests.support.server import QUESTION

VOICE = "en/en_US/ljspeech/medium/en_US-ljspeech-medium.onnx"

pytestmark = pytest.mark.timeout(180)


def test_progress_is_shown_while_the_voice_is_fetched(tmp_path: Path) -> None:
    joe = real.at_hand("piper-joe") / "en_US-joe-medium.onnx"
    place = tmp_path / "hub" / "rhasspy" / "piper-voices" / VOICE
    place.parent.mkdir(parents=True)
    place.symlink_to(joe)
    place.with_name(f"{place.name}.json").symlink_to(f"{joe}.json")
    command = [sys.executable, "-c", "import sys; from gateway.cli.main import main; sys.exit(main())", "ask"]
    flags = ["--llm_backend", "echo", "--stt", "pocketsphinx", "--tts", "piper", "-o", str(tmp_path / "answer.wav")]
    with hub_server(tmp_path / "hub") as hub:
        environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
        ran = subprocess.run(
            [*command, str(QUESTION), *flags], env=environment, capture_output=True, text=True, check=False
        )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stderr.splitlines()
    assert "--tts piper downloads rhasspy/piper-voices (once)" in lines
    assert any(line.startswith("--tts piper has rhasspy/piper-voices, after ") for line in lines)
    assert (tmp_path / "answer.wav").stat().st_size > 20_000

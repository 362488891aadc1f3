"""The unit is what systemd takes, hardened, and its command exists."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "deploy" / "speech-gateway.service"
MOST_EXPOSED = 2.5
"""Of 10; systemd calls everything up to 5 of medium exposure, and up to 2 safe."""


def analysed(*arguments: str) -> str:
    command = shutil.which("systemd-analyze")
    if command is None:
        pytest.skip("needs systemd-analyze")
    ran = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


def test_systemd_takes_it(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    command = tmp_path / "speech-to-speech"
    command.write_text("#!/bin/sh\n", encoding="utf-8")
    command.chmod(0o755)
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/speech-gateway/bin/speech-to-speech", str(command)), encoding="utf-8")
    assert str(command) in unit.read_text(encoding="utf-8")
    assert analysed("verify", str(unit)) == ""


def test_it_is_hardened() -> None:
    said = analysed("security", "--offline=true", str(UNIT))
    found = re.search(r"exposure level for speech-gateway.service: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) <= MOST_EXPOSED

"""A package of somebody else brings an engine: it is built as a wheel, installed by pip, and speaks."""

import subprocess
import sys
import wave
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

QUESTION = Path(__file__).parents[1] / "data" / "question.wav"
RATE = 8000
HERTZ = 500

ENGINE = f'''
"""A synthesiser that hums a tone for every letter."""

import math
from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec

from adapters.contract import tts
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest


class Options(msgspec.Struct, frozen=True, kw_only=True):
    hum_hertz: Annotated[int, msgspec.Meta(description="Pitch of the tone.", ge=50, le=2000)] = 440


class Hum:
    Options = Options
    info = tts.Info(sample_rate={RATE}, voices=("hum",), default_voice="hum", aliases={{"alloy": "hum"}})

    def __init__(self, options: Options) -> None:
        self._hertz = options.hum_hertz

    async def warm_up(self) -> None:
        pass

    async def aclose(self) -> None:
        pass

    def check(self, request: tts.Request) -> None:
        if request.voice not in (None, "hum", "alloy"):
            raise InvalidRequest("There is no such voice; choose 'hum'.", param="voice")

    async def stream(self, request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        self.check(request)
        yield Started()
        letters = sum(map(str.isalpha, request.text))
        count = letters * {RATE} // 20
        turn = 2 * math.pi * self._hertz / {RATE}
        pcm = b"".join(round(8000 * math.sin(turn * at)).to_bytes(2, "little", signed=True) for at in range(count))
        if pcm:
            yield tts.AudioChunk(pcm=pcm)
        yield tts.Finished(seconds=count / {RATE}, characters=len(request.text))
'''

METADATA = "Metadata-Version: 2.1\nName: hum-engine\nVersion: 1.0\nRequires-Dist: speech-gateway\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = "[speech_gateway.tts]\nhum = hum_engine:Hum\n"


def build_wheel(folder: Path) -> Path:
    """A wheel as the specification of binary distributions has it."""
    info = "hum_engine-1.0.dist-info"
    files = {
        "hum_engine.py": ENGINE,
        f"{info}/METADATA": METADATA,
        f"{info}/WHEEL": WHEEL,
        f"{info}/entry_points.txt": ENTRY_POINTS,
    }
    record = [
        f"{name},sha256={urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip('=')},{len(text.encode())}"
        for name, text in files.items()
    ]
    wheel = folder / "hum_engine-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,"]) + "\n")
    return wheel


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment of its own, which sees this one's packages and has the wheel beside them."""
    folder = tmp_path_factory.mktemp("third_party")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True, capture_output=True)
    interpreter = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    shared = [path for path in sys.path if path.endswith("site-packages")]
    # addsitedir, so that the .pth files of editable installs count there too.
    lines = [f"import site; site.addsitedir({path!r})" for path in shared]
    (site / "shared.pth").write_text("\n".join(lines), encoding="utf-8")
    install: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        interpreter,
        "install",
        "--no-deps",
        "--no-index",
        "-q",
    ]
    subprocess.run([*install, build_wheel(folder)], check=True, capture_output=True)
    return interpreter


def gateway(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-m", "gateway", *arguments], cwd=cwd, capture_output=True, text=True, timeout=100, check=False
    )


def test_it_speaks(python: Path, tmp_path: Path) -> None:
    ran = gateway(python, "ask", str(QUESTION), "--tts", "hum", "--hum_hertz", str(HERTZ), cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    with wave.open(str(tmp_path / "answer.wav")) as answer:
        rate, samples = answer.getframerate(), memoryview(answer.readframes(answer.getnframes())).cast("h")
    crossings = sum(before < 0 <= after for before, after in pairwise(samples))
    assert crossings / (len(samples) / rate) == pytest.approx(HERTZ, rel=0.1)


def test_its_options_are_checked_and_described_like_all_others(python: Path, tmp_path: Path) -> None:
    ran = gateway(python, "config", "--tts", "hum", "--hum_hertz", "20", cwd=tmp_path)
    assert ran.returncode == 2
    assert "hum_hertz" in ran.stderr
    assert "Pitch of the tone." in gateway(python, "--help", cwd=tmp_path).stdout


def test_it_is_nowhere_else(tmp_path: Path) -> None:
    ran = gateway(Path(sys.executable), "config", "--tts", "hum", cwd=tmp_path)
    assert ran.returncode == 2
    assert "hum" in ran.stderr

"""``talk`` and ``local`` as processes, with a sound device whose microphone plays a recording in real time."""

import asyncio
import os
import signal
import subprocess
import sys
import wave
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import soundfile
import soxr

from gateway.cli.talk.command import session_fields
from tests.support.server import QUESTION, gateway_of, scripted_engines, served

FAKE = '''
"""A sound device that plays a recording into the microphone and writes what is played to a file."""

import os
import threading
import time
import wave


class PortAudioError(Exception):
    pass


def query_devices():
    return "> 0 A recording"


class RawStream:
    def __init__(self, samplerate, blocksize, device, channels, dtype, callback):
        assert (samplerate, channels, dtype) == (24000, 1, "int16")
        self.size, self.callback = blocksize * 2, callback
        self.ended = threading.Event()
        with wave.open(os.environ["FAKE_MICROPHONE"]) as file:
            self.left = bytes(self.size * 25) + file.readframes(file.getnframes())

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def __exit__(self, *failure):
        self.ended.set()
        self.thread.join()

    def run(self):
        due = time.monotonic()
        with open(os.environ["FAKE_LOUDSPEAKER"], "wb", buffering=0) as file:
            while not self.ended.is_set():
                heard, self.left = self.left[: self.size], self.left[self.size :]
                played = bytearray(self.size)
                self.callback(heard.ljust(self.size, b"\\0"), memoryview(played), self.size // 2, None, None)
                file.write(played)
                due += 0.02
                time.sleep(max(0, due - time.monotonic()))
'''


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "sounddevice.py").write_text(FAKE)
    samples, rate = soundfile.read(QUESTION, dtype="int16", always_2d=True)
    with wave.open(str(tmp_path / "microphone.wav"), "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", ""))
        file.writeframes(soxr.resample(samples[:, 0], rate, 24_000).tobytes())
    return {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "modules"),
        "FAKE_MICROPHONE": str(tmp_path / "microphone.wav"),
        "FAKE_LOUDSPEAKER": str(tmp_path / "loudspeaker.raw"),
    }


@asynccontextmanager
async def command(environment: dict[str, str], *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def lines_until(process: asyncio.subprocess.Process, mark: str) -> list[str]:
    """What is printed, up to the line with ``mark``."""
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(60):
        while not lines or mark not in lines[-1]:
            line = await process.stdout.readline()
            assert line, (lines, await process.communicate())
            lines.append(line.decode())
    return lines


async def test_a_spoken_turn_with_a_gateway(environment: dict[str, str], tmp_path: Path) -> None:
    async with (
        served(gateway_of(scripted_engines())) as address,
        command(environment, "talk", "--url", f"{address}/v1") as process,
    ):
        lines = await lines_until(process, "first sound")
        assert "you:    what did you say\n" in lines
        assert "answer: Hello there. How are you?\n" in lines
        async with asyncio.timeout(10):
            while not any((tmp_path / "loudspeaker.raw").read_bytes()):
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


async def test_it_serves_and_talks_in_one_process(environment: dict[str, str], tmp_path: Path) -> None:
    arguments = ("local", "--llm_backend", "echo", "--port", "0")
    async with command(environment, *arguments) as process:
        lines = await lines_until(process, "first sound")
        assert "listens on" in lines[0]
        said = [line.removeprefix("you:    ") for line in lines if line.startswith("you: ")]
        assert said
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    assert any((tmp_path / "loudspeaker.raw").read_bytes())


async def test_without_a_gateway_it_ends_with_one_line(environment: dict[str, str]) -> None:
    async with command(environment, "talk", "--url", "http://127.0.0.1:9/v1") as process:
        _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().count("\n") == 1
    assert "No gateway answers at ws://127.0.0.1:9/v1/realtime" in said.decode()


async def test_the_devices_are_listed(environment: dict[str, str]) -> None:
    async with command(environment, "talk", "--list_devices") as process:
        printed, _ = await process.communicate()
    assert printed.decode() == "> 0 A recording\n"


def test_what_flags_ask_of_the_session() -> None:
    assert session_fields({}) == {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}
    assert session_fields({"voice": "nova", "speed": "1.2", "language": "de"}) == {
        "audio": {
            "input": {"transcription": {"model": "whisper-1", "language": "de"}},
            "output": {"voice": "nova", "speed": 1.2},
        }
    }

"""The page in a real browser over WebRTC: it is answered, interrupts, hangs up, and notices that the gateway died."""

import os
import signal
import wave
from pathlib import Path

import pytest

from adapters import scripted
from tests.bench.processes import running, wait_until_ready
from tests.support.browser import Visit, chromium, visiting
from tests.support.call_client import CallClient, place_again
from tests.support.server import QUESTION, gateway_of, scripted_engines, served

pytestmark = pytest.mark.timeout(90)

LONG = "This answer is long. " * 12

KEEP_MICROPHONE = """
window.microphones = [];
const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
devices.getUserMedia = async (wanted) => {
  const stream = await ask(wanted);
  window.microphones.push(...stream.getTracks());
  return stream;
};
0;
"""
"""What microphones were opened; the last line is what it evaluates to."""

MICROPHONE_KEPT_MS = 21_000
"""The page keeps it for the next turn, but no longer."""


async def test_a_conversation_over_webrtc() -> None:
    gateway = gateway_of(scripted_engines(), "--realtime_sessions", "1")
    async with served(gateway) as address, chromium() as browser, visiting(browser, address) as visit:
        await begin(visit)
        await visit.shows("#state", "Hands-free")
        await visit.turn("done")
        assert await visit.text(".question") == "what did you say"
        assert (await visit.text(".answer")).strip() == "Hello there. How are you?"
        await visit.page.click("#hands-free")
        await visit.shows("#state", "Ready")
        await place_again(address, await CallClient.made_offer())


async def test_speaking_interrupts_the_answer_of_a_call(tmp_path: Path) -> None:
    """The recording is played again and again: the second question comes while the first is being answered."""
    with wave.open(str(QUESTION)) as file, wave.open(str(tmp_path / "again.wav"), "wb") as longer:
        longer.setparams(file.getparams())
        longer.writeframes(file.readframes(file.getnframes()) + bytes(2 * 16_000 * 2))  # two seconds of silence
    model = scripted.language_model(scripted.answering(*[f"{word} " for word in LONG.split()]))
    async with (
        served(gateway_of(scripted_engines(llm=model))) as address,
        chromium(microphone=tmp_path / "again.wav", again=True) as browser,
        visiting(browser, address) as visit,
    ):
        await begin(visit)
        await visit.shows(".turn[data-state=interrupted]")
        assert 0 < len(await visit.text(".turn:first-child .heard")) < len(LONG) / 2
        await visit.page.click("#hands-free")


@pytest.mark.parametrize("way", ["recording", "websocket", "webrtc"])
async def test_a_gateway_that_dies_ends_the_conversation(way: str) -> None:
    """Killed, it closes no call and says no word; the browser notices, and the microphone is let go."""
    with running("calls", "serve") as gateway:  # its answer does not end
        port = int(gateway.line())
        wait_until_ready(port)
        async with chromium() as browser, visiting(browser, f"http://127.0.0.1:{port}") as visit:
            await visit.page.evaluate(KEEP_MICROPHONE)
            await visit.page.clock.install()
            await begin(visit, way)
            await visit.turn("speaking")
            os.kill(gateway.pid, signal.SIGKILL)
            await visit.turn("failed", seconds=60)
            assert "lost" in await visit.text(".note")
            await visit.shows("#state", "Ready")
            await visit.page.clock.fast_forward(MICROPHONE_KEPT_MS)
            assert await visit.page.evaluate("microphones.map((track) => track.readyState)") == ["ended"] * (
                way != "recording"
            )


async def begin(visit: Visit, way: str = "webrtc") -> None:
    """Talk without hands, or ask the sample recording."""
    if way == "recording":
        await visit.page.click("#sample")
        return
    await visit.page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    await visit.page.select_option("#link", way)
    await visit.page.click("#hands-free")

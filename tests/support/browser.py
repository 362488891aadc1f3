"""Chromium as a visitor of the page: its microphone plays a recording, and what it would play is kept."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.server import QUESTION

CHROMIUM = shutil.which("chromium")

KEEP_SOUND = """
window.soundKept = [];
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...more) {
  if (target instanceof AudioDestinationNode) {
    const keeper = this.context.createScriptProcessor(1024, 1, 1);
    keeper.onaudioprocess = (event) => window.soundKept.push(...event.inputBuffer.getChannelData(0));
    connect.call(this, keeper);
    connect.call(keeper, target);
  }
  return connect.call(this, target, ...more);
};
"""
"""Beside the speaker, samples go into an array of the page. The page itself knows nothing of it."""


class Visit:
    """A page that is open; ``complaints`` are its errors, and what its policy refused."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: Any) -> None:
        # The browser logs every status that is an error too; the page shows it. The script processor is ours.
        expected = ("Failed to load resource", "ScriptProcessorNode is deprecated")
        if message.type in {"error", "warning"} and not any(each in message.text for each in expected):
            self.complaints.append(message.text)

    async def text(self, selector: str) -> str:
        return str(await self.page.inner_text(selector))

    async def shows(self, selector: str, text: str = "", seconds: float = 20) -> Any:
        """Wait until something that matches is seen with this text; the last of them."""
        found = self.page.locator(selector).filter(has_text=text) if text else self.page.locator(selector)
        await found.last.wait_for(state="visible", timeout=seconds * 1000)
        return found.last

    async def ask_sample(self, state: str = "done") -> None:
        """Ask the sample recording and wait until its turn is in this state."""
        earlier = await self.page.locator(".turn").count()
        await self.page.click("#sample")
        await self.page.locator(".turn").nth(earlier).wait_for()
        await self.turn(state)

    async def turn(self, state: str, seconds: float = 20) -> None:
        """Wait until the last turn is in this state."""
        await self.page.locator(f".turn:last-child[data-state={state}]").wait_for(timeout=seconds * 1000)

    async def sound(self) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """What was played so far, at 24 kHz."""
        return np.array(await self.page.evaluate("window.soundKept"), np.float32)


@asynccontextmanager
async def chromium(
    *, microphone: Path | None = QUESTION, again: bool = False, flags: tuple[str, ...] = ()
) -> AsyncGenerator[Any, None]:
    """A browser whose microphone plays a recording, once or ``again`` and again, or that has none."""
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    playwright = pytest.importorskip("playwright.async_api", reason="needs playwright")
    fake = (
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}{'' if again else '%noloop'}",
    )
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--use-fake-ui-for-media-stream", *(fake if microphone else ()), *flags],
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visiting(browser: Any, address: str, **context: Any) -> AsyncGenerator[Visit, None]:
    """Open the page at ``address``; in the end it must have had nothing to complain about."""
    opened = await browser.new_context(**context)
    try:
        page = await opened.new_page()
        await page.add_init_script(KEEP_SOUND)
        visit = Visit(page)
        await page.goto(address)
        yield visit
        assert not visit.complaints, visit.complaints
    finally:
        await opened.close()

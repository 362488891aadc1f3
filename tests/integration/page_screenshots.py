"""Takes pictures of the page: light, dark, on a phone, with a conversation whose stages take a usual time."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from adapters import scripted
from adapters.tts.espeak.adapter import Espeak
from tests.support.browser import Visit, chromium, visiting
from tests.support.server import gateway_with_routes, scripted_engines, served

ANSWERS = (
    ("what is the capital of france", "The capital of France is Paris, on both banks of the river Seine."),
    ("how many people live there", "About two million in the city itself, and eleven million with its suburbs."),
    (
        "and what should i see first",
        "Begin on the Île de la Cité. Notre-Dame is open again, and everything began there.",
    ),
)
CONTEXTS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "tablet": {"viewport": {"width": 1000, "height": 760}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "device_scale_factor": 2},
}


async def _picture(visit: Visit, path: Path) -> None:
    await visit.page.screenshot(path=str(path))
    print(path)


async def _conversation(visit: Visit, engines: Any, path: Path) -> None:
    """Take the picture while the last answer is being spoken."""
    for number, (question, answer) in enumerate(ANSWERS):
        engines.stt.script = scripted.recogniser(question, pause=0.12 + 0.03 * number).script
        pieces = [f"{word} " for word in answer.split()]
        engines.llm.script = scripted.answering(*pieces, pause=0.045)
        await visit.ask_sample("speaking" if question == ANSWERS[-1][0] else "done")
    await asyncio.sleep(1.8)
    await _picture(visit, path)


async def take(folder: Path) -> None:
    """Write the pictures into ``folder``, which exists."""
    engines = scripted_engines(tts=Espeak(Espeak.Options()))
    gateway = gateway_with_routes(engines, [("assistant", ()), ("interpreter", ())])
    async with served(gateway) as address, chromium() as browser:
        for name, context in CONTEXTS.items():
            async with visiting(browser, address, **context) as visit:
                await visit.shows("#readiness", "ready")
                await _picture(visit, folder / f"{name}-welcome.png")
                await _conversation(visit, engines, folder / f"{name}.png")
                for view in await visit.page.locator("nav button:visible").all():
                    await view.click()
                    await asyncio.sleep(0.4)
                    await _picture(visit, folder / f"{name}-{(await view.inner_text()).lower()}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    chosen = parser.parse_args().folder
    chosen.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(chosen))

"""Measures the page: its size, and the time from a click to the first sound against curl's in the same run.

Run as ``python -m tests.bench.page``; see the README beside it.
"""

import argparse
import asyncio
import gzip
import time
from collections import Counter
from collections.abc import Sequence
from statistics import median, quantiles

import msgspec

from adapters import scripted
from gateway.api.page.routes import STATIC
from tests.bench.delays import Delays
from tests.support.browser import chromium, visiting
from tests.support.server import gateway_of, scripted_engines, served

CURL = ("curl", "--fail", "--silent", "--no-buffer")

NOTE_CLICKS = """
let clicked = 0;
addEventListener("click", (event) => (clicked = event.timeStamp), true);
new MutationObserver((changes) => {
  if (changes.some((change) => change.addedNodes.length)) window.beforeAsking = performance.now() - clicked;
}).observe(document.getElementById("conversation"), { childList: true });
0;
"""
"""Keeps the milliseconds from a click to the turn that it begins: the page's own clock starts there."""


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds: from curl's start to its first byte of audio; from a click to the page's first audio, and sound."""

    curl: list[float]
    arrived: list[float]
    sounded: list[float]


def sizes() -> dict[str, tuple[int, int]]:
    """Bytes of the page's files by their ending, as they are and compressed by gzip."""
    plain: Counter[str] = Counter()
    compressed: Counter[str] = Counter()
    for path in STATIC.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            plain[path.suffix] += len(content)
            compressed[path.suffix] += len(gzip.compress(content))
    return {kind: (plain[kind], compressed[kind]) for kind in sorted(plain)}


async def _curl(address: str) -> float:
    """Milliseconds until curl writes the first byte of audio, its own start included."""
    form = ("-F", f"file=@{STATIC / 'question.ogg'}", "-F", "response_format=pcm")
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *CURL, *form, f"{address}/v1/audio/speech-to-speech", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readexactly(1)
    first = time.perf_counter() - begun
    await process.communicate()
    return first * 1000


async def measure(turns: int, delays: Delays) -> Times:
    """Ask the sample ``turns`` times by curl and by click, taking turns; the first of each is not counted."""
    engines = scripted_engines(
        stt=scripted.recogniser("what is the capital of france", pause=delays.hearing),
        llm=scripted.language_model(scripted.answering("Paris. ", "It is Paris.", pause=delays.first_word)),
        tts=scripted.synthesiser(scripted.ToneVoice(pause=delays.speaking)),
    )
    times = Times(curl=[], arrived=[], sounded=[])
    async with served(gateway_of(engines)) as address, chromium() as browser, visiting(browser, address) as visit:
        await visit.shows("#readiness", "ready")
        await visit.page.evaluate(NOTE_CLICKS)
        for number in range(turns + 1):
            by_curl = await _curl(address)
            await visit.ask_sample()
            shown = await visit.page.locator("#waterfall .stage-time").all_inner_texts()
            *way, to_the_ear, _spoken = (float(text.removesuffix(" ms")) for text in shown)
            way.append(await visit.page.evaluate("beforeAsking"))
            if number:
                times.curl.append(by_curl)
                times.arrived.append(sum(way))
                times.sounded.append(sum(way) + to_the_ear)
    return times


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    quick = parser.parse_args(arguments).quick
    print("| files | bytes | gzip |\n|---|--:|--:|")
    found = sizes()
    for kind, (plain, compressed) in found.items():
        print(f"| {kind} | {plain:,} | {compressed:,} |")
    print(f"| all | {sum(plain for plain, _ in found.values()):,} | {sum(small for _, small in found.values()):,} |\n")
    times = asyncio.run(measure(2 if quick else 20, Delays(hearing=0.02, speaking=0.02) if quick else Delays()))
    print("| milliseconds | p50 | p95 |\n|---|--:|--:|")
    for name, values in msgspec.structs.asdict(times).items():
        print(f"| {name} | {median(values):.0f} | {quantiles(values, n=20, method='inclusive')[18]:.0f} |")


if __name__ == "__main__":
    main()

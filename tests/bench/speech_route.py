"""Measures what ``/v1/audio/speech`` adds to the first byte of a server that sends speech while it is made."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median, quantiles

import msgspec

from tests.bench.plan import Plan
from tests.bench.processes import running, wait_until_ready

FORMATS = ("pcm", "wav", "mp3")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds to the first byte of audio: of the server, and what the gateway adds to it in one format."""

    response_format: str
    direct: float
    added_p50: float
    added_p99: float
    whole: float


@contextmanager
def _ways(plan: Plan) -> Iterator[tuple[int, int]]:
    """The ports of the server and of a gateway in front of it."""
    with running("speech_mock", str(plan.speech_seconds)) as mock:
        direct = int(mock.line())
        with running("speech_gateway", f"http://127.0.0.1:{direct}/v1") as gateway:
            served = int(gateway.line())
            wait_until_ready(served)
            yield direct, served


async def _spoken(port: int, response_format: str) -> tuple[float, float]:
    """Milliseconds to the first byte of audio, and to the last one."""
    body = b'{"model":"tts-1","voice":"alloy","input":"Hello there, how are you?","response_format":"%b"}' % (
        response_format.encode()
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begun = time.perf_counter()
    writer.write(
        b"POST /v1/audio/speech HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"speech was refused: {head.splitlines()[0]!r}")
    first = 0.0
    while size := int(await reader.readline(), 16):
        first = first or time.perf_counter()
        await reader.readexactly(size + 2)
    end = time.perf_counter()
    writer.close()
    return (first - begun) * 1000, (end - begun) * 1000


async def _rows(plan: Plan, direct: int, served: int) -> list[Row]:
    rows = []
    for each in FORMATS:
        for port in (direct, served):
            await _spoken(port, each)
        pairs = [(await _spoken(direct, each), await _spoken(served, each)) for _ in range(plan.requests)]
        added: Sequence[float] = [through[0] - alone[0] for alone, through in pairs]
        rows.append(
            Row(
                response_format=each,
                direct=median(alone[0] for alone, _ in pairs),
                added_p50=median(added),
                added_p99=quantiles(added, n=100, method="inclusive")[98],
                whole=median(through[1] for _, through in pairs),
            )
        )
    return rows


def measure(plan: Plan) -> list[Row]:
    """Start the processes, ask them in turns, end them."""
    with _ways(plan) as (direct, served):
        return asyncio.run(_rows(plan, direct, served))

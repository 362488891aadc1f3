"""The engines of the realtime benchmark: a server of OpenAI's API whose three stages take fixed times.

Run as ``python -m tests.bench.realtime_upstream STAGES``; prints the port it listens on.
"""

import asyncio
import re
import sys
import time
from contextlib import suppress

import msgspec
import numpy as np
import uvloop

ANSWER = "Paris is the capital of France."
_SPEECH_SECONDS = 0.5

_SAMPLES = round(24_000 * _SPEECH_SECONDS)
_TONE = (8_000 * np.sin(np.arange(_SAMPLES) * 2 * np.pi / 60)).astype("<i2").tobytes()
_TRANSCRIPT = b'{"text":"What is the capital of France?","language":"english","duration":2.0,"segments":[]}'
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b"


class Stages(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from a request to its whole answer."""

    stt: float = 0.1
    llm: float = 0.15
    tts: float = 0.15

    @property
    def all(self) -> float:
        """One after the other."""
        return self.stt + self.llm + self.tts


def _events() -> bytes:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "bench"}
    usage = {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}
    chunks = [
        {**chunk, "choices": [{"index": 0, "delta": {"content": ANSWER}, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage},
    ]
    return b"".join(b"data: %b\n\n" % msgspec.json.encode(each) for each in chunks) + b"data: [DONE]\n\n"


def _answer(kind: bytes, body: bytes) -> bytes:
    return _HEAD % (kind, len(body), body)


async def _until(due: float) -> None:
    """Wait until ``due``, in seconds of ``time.perf_counter``: timers of the loop are up to 2 ms late."""
    await asyncio.sleep(max(0.0, due - time.perf_counter() - 0.002))
    while time.perf_counter() < due:
        await asyncio.sleep(0)


_MODELS = _answer(b"application/json", b'{"object":"list","data":[]}')


class Upstream:
    """Answers every POST after the time of its stage, and every GET with no models."""

    def __init__(self, stages: Stages) -> None:
        self._answers = {
            b"transcriptions": (stages.stt, _answer(b"application/json", _TRANSCRIPT)),
            b"completions": (stages.llm, _answer(b"text/event-stream", _events())),
            b"speech": (stages.tts, _answer(b"audio/pcm", _TONE)),
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                arrived = time.perf_counter()
                stage = re.match(rb"POST \S*/(\w+) ", head)
                seconds, answer = (0.0, _MODELS) if stage is None else self._answers[stage[1]]
                await _until(arrived + seconds)
                writer.write(answer)
                await writer.drain()
        writer.close()


async def main(stages: Stages) -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(Upstream(stages).serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Stages)))

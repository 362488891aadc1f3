"""The upstream of the benchmark: a Chat Completions server that writes one answer at a fixed pace.

Run as ``python -m tests.bench.upstream DELAYS``; prints the port it listens on.
"""

import asyncio
import re
import sys
from contextlib import suppress

import msgspec
import uvloop

from tests.bench.delays import DELTAS, Delays

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n"
_LAST = b"0\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(choice: dict[str, object], **more: object) -> bytes:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "bench", "choices": [choice], **more}
    return _chunk(b"data: " + msgspec.json.encode(chunk) + b"\n\n")


_WORDS = [_event({"index": 0, "delta": {"content": delta}, "finish_reason": None}) for delta in DELTAS]
_USAGE = {"prompt_tokens": 20, "completion_tokens": len(DELTAS), "total_tokens": 20 + len(DELTAS)}
_END = _event({"index": 0, "delta": {}, "finish_reason": "stop"}, usage=_USAGE) + _chunk(b"data: [DONE]\n\n") + _LAST
_MODELS = _HEAD % b"application/json" + _chunk(b'{"object":"list","data":[]}') + _LAST


class Upstream:
    """Answers every POST with ``DELTAS``, each at its time after the request, and every GET with no models."""

    def __init__(self, delays: Delays) -> None:
        self._delays = delays

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                if head.startswith(b"GET"):
                    writer.write(_MODELS)
                else:
                    await self._write(writer)
        writer.close()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._delays.first_word
        writer.write(_HEAD % b"text/event-stream")
        for word in _WORDS:
            # By the clock of the whole answer: late timers must not add up.
            await asyncio.sleep(max(0.0, due - loop.time()))
            writer.write(word)
            due += self._delays.word
        writer.write(_END)
        await writer.drain()


async def main(delays: Delays) -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(Upstream(delays).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Delays)))

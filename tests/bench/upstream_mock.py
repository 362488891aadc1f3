"""The server of the upstream benchmark: 64 deltas a reply, each at its time, written with as little work as possible.

Run as ``python -m tests.bench.upstream_mock FIRST GAP`` (seconds); prints the port it listens on.
"""

import asyncio
import re
import sys
from contextlib import suppress

import msgspec
import uvloop

DELTAS = 64
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _event(data: bytes) -> bytes:
    line = b"data: " + data + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(line), line)


def _chunk(choice: dict[str, object], **more: object) -> bytes:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "bench", "choices": [choice], **more}
    return _event(msgspec.json.encode(chunk))


_WORDS = [
    _chunk({"index": 0, "delta": {"content": f" word{number}"}, "finish_reason": None}) for number in range(DELTAS)
]
_USAGE = {"prompt_tokens": 20, "completion_tokens": DELTAS, "total_tokens": 20 + DELTAS}
_END = _chunk({"index": 0, "delta": {}, "finish_reason": "stop"}, usage=_USAGE) + _event(b"[DONE]") + b"0\r\n\r\n"


async def main(first: float, gap: float) -> None:
    """Serve until the process is ended: every request gets the same answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                await _answer(writer, first, gap)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _answer(writer: asyncio.StreamWriter, first: float, gap: float) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + first
    writer.write(_HEAD)
    for word in _WORDS:
        # By the clock of the whole answer: late timers must not add up.
        await asyncio.sleep(max(0.0, due - loop.time()))
        if writer.is_closing():  # the client has left
            return
        writer.write(word)
        due += gap
    writer.write(_END)
    await writer.drain()


if __name__ == "__main__":
    uvloop.run(main(*map(float, sys.argv[1:])))

"""The server of the speech route's benchmark: takes some time to synthesise, and sends the samples as they are made.

Run as ``python -m tests.bench.speech_mock SECONDS``, from a request to the last sample; prints the port it listens on.
"""

import asyncio
import re
import sys
from contextlib import suppress
from functools import partial

import numpy as np
import uvloop

CHUNKS = 20
_SAMPLES = 2_400  # of a chunk: 100 ms at 24 kHz
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: audio/pcm\r\ntransfer-encoding: chunked\r\n\r\n"
_TONE = (8_000 * np.sin(np.arange(_SAMPLES) * 2 * np.pi / 60)).astype("<i2").tobytes()
_CHUNK = b"%x\r\n%b\r\n" % (len(_TONE), _TONE)


async def _serve(seconds: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            writer.write(_HEAD)
            for _ in range(CHUNKS):
                await asyncio.sleep(seconds / CHUNKS)
                writer.write(_CHUNK)
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    writer.close()


async def main(seconds: float) -> None:
    """Serve until the process is ended: every request gets the same answer."""
    server = await asyncio.start_server(partial(_serve, seconds), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1])))

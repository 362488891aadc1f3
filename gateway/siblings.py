"""How the worker processes of one gateway ask each other, over sockets in a folder that nobody else can enter."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from adapters.contract.errors import Unavailable

logger = logging.getLogger(__name__)

Question = Literal["state", "metrics", "client_secret"]

ANSWER_SECONDS = 2.0
"""How long a sibling may take to answer."""

MOST_BYTES = 64_000_000
"""Of one answer."""


class Siblings:
    """The ``count`` workers of a gateway, this process is number ``index``; each has a socket in ``folder``."""

    def __init__(self, folder: Path, index: int, count: int) -> None:
        self._folder = folder
        self._index = index
        self._count = count

    @asynccontextmanager
    async def answering(self, answers: Mapping[Question, Callable[[str], bytes]]) -> AsyncGenerator[None, None]:
        """Answer the others inside the block: each question has a function of what is asked about."""
        if self._count == 1:
            yield
            return

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    question, _, about = (await reader.readline()).decode().strip().partition(" ")
                    for known, told in answers.items():
                        if known == question:
                            writer.write(told(about))
                    await writer.drain()
            except (OSError, TimeoutError, ValueError) as error:
                logger.warning("another worker was not answered (%s)", type(error).__name__)
            finally:
                writer.close()

        place = self._socket(self._index)
        place.unlink(missing_ok=True)  # of the worker that this one replaces
        server = await asyncio.start_unix_server(answer, place)
        try:
            yield
        finally:
            server.close()

    async def ask(self, question: Question, about: str = "") -> list[bytes | None]:
        """What the others answer; ``None`` for one that is not there. Raises ``Unavailable`` for a slow one."""
        return [
            await self._ask(number, f"{question} {about}\n") for number in range(self._count) if number != self._index
        ]

    async def _ask(self, number: int, line: str) -> bytes | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._socket(number))
                try:
                    writer.write(line.encode())
                    return await _read(reader)
                finally:
                    writer.close()
        except TimeoutError:
            raise Unavailable(f"Worker {number} does not answer; try again shortly.", retry_after=1.0) from None
        except OSError:
            return None

    def _socket(self, number: int) -> Path:
        return self._folder / f"{number}.sock"


async def _read(reader: asyncio.StreamReader) -> bytes:
    """All that is sent. Raises ``ConnectionError`` when it is too much."""
    answer = bytearray()
    while part := await reader.read(1 << 16):
        answer += part
        if len(answer) > MOST_BYTES:
            raise ConnectionError("the answer of another worker is too long")
    return bytes(answer)


ALONE = Siblings(Path(), 0, 1)
"""A gateway of one process."""

"""Engines that break the contract in one way each, and the rig for them."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import repeat
from typing import Any

from adapters.contract import checks, llm
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, Overloaded, TooLong, Unavailable

FINISHED = llm.Finished(reason="stop", usage=llm.Usage(input_tokens=0, output_tokens=0))
PIECES = ("one ", "two ", "three ")


class Engine:
    """A correct engine, the source of whose pieces counts what it made and whether it is at work."""

    def __init__(self) -> None:
        self.info = llm.Info()
        self.working = 0
        self.made = 0
        self.closed = 0

    def pieces(self, request: str) -> Iterator[str]:
        for piece in repeat("word ") if request == "endless" else PIECES:
            self.made += 1
            yield request + piece

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        self.working += 1
        try:
            yield Started()
            for piece in self.pieces(request):
                await asyncio.sleep(0)
                yield llm.TextDelta(text=piece)
            yield FINISHED
        finally:
            self.working -= 1

    async def aclose(self) -> None:
        self.closed += 1


class Alone(Engine):
    """Correct, and can do one stream at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.info = llm.Info(max_parallel=1)


class TakingAll(Engine):
    """Correct, and takes the whole input before it answers, if that is not too long."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        pieces = []
        for piece in self.pieces(request):
            pieces.append(piece)
            if len(pieces) > 3:
                raise TooLong("no")
        yield Started()
        for piece in pieces:
            yield llm.TextDelta(text=piece)
        yield FINISHED


class Silent(Engine):
    """Ends without ``Finished``."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        yield Started()
        yield llm.TextDelta(text=request)


class Leaking(Engine):
    """Tells its source nothing when it is closed."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        self.working += 1
        yield Started()
        for piece in self.pieces(request):
            await asyncio.sleep(0)
            yield llm.TextDelta(text=piece)
        self.working -= 1
        yield FINISHED


class Lingering(Engine):
    """Lets its source go on after its end."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        self.working += 1
        async for event in super().stream(request):
            yield event


class Eager(Engine):
    """Is at work before anybody reads."""

    def stream(self, request: str) -> AsyncGenerator[Any, None]:
        self.working += 1
        return super().stream(request)


class EagerLater(Engine):
    """Is at work before anybody reads, as soon as the event loop lets it."""

    def stream(self, request: str) -> AsyncGenerator[Any, None]:
        asyncio.get_running_loop().call_soon(self._begin)
        return super().stream(request)

    def _begin(self) -> None:
        self.working += 1


class Mixing(Engine):
    """Keeps what it writes in one place for all streams."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        self.request = request
        yield Started()
        for piece in self.pieces(""):
            await asyncio.sleep(0)
            yield llm.TextDelta(text=self.request + piece)
        yield FINISHED


class Remembering(Alone):
    """Begins with what a stream that was left had not said."""

    left: Sequence[str] = ()

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        pieces = deque((*self.left, *self.pieces(request)))
        yield Started()
        while pieces:
            self.left = pieces
            yield llm.TextDelta(text=pieces.popleft())
        yield FINISHED


class Running(Engine):
    """Runs ahead of its reader, in a task."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        ready: asyncio.Queue[str] = asyncio.Queue()

        async def ahead() -> None:
            for piece in self.pieces(request):
                ready.put_nowait(piece)
                await asyncio.sleep(0)

        task = asyncio.create_task(ahead())
        self.working += 1
        try:
            yield Started()
            while not task.done() or not ready.empty():
                yield llm.TextDelta(text=await ready.get())
            yield FINISHED
        finally:
            task.cancel()
            self.working -= 1


class TakingTooMuch(TakingAll):
    """Says that the input is too long when it has taken a great deal of it."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        for piece in self.pieces(request):
            if self.made > 100:
                raise TooLong("no")
            yield llm.TextDelta(text=piece) if request != "endless" else Started()


class Stuck(Engine):
    """Ends where its reader stood still."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        yield Started()
        for piece in self.pieces(request):
            yield llm.TextDelta(text=piece)
            if request == "endless":
                return
        yield FINISHED


class Wrong(Engine):
    """Fails with another error than it should."""

    error: Exception | None = Unavailable("no")

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        if request == "fail" and self.error is not None:
            raise self.error
        async for event in super().stream(request):
            yield event


class Tolerant(Wrong):
    """Does not fail when it should."""

    error = None


class Foreign(Wrong):
    """Names a field that the request does not have."""

    error = InvalidRequest("no", param="file")


class Wordless(Wrong):
    """Says nothing about what happened."""

    error = Overloaded("")


class ClosedOnce(Engine):
    """Cannot be closed twice."""

    async def aclose(self) -> None:
        await super().aclose()
        if self.closed > 1:
            raise RuntimeError("closed")


class Rig:
    """The rig of an engine above."""

    grammar: checks.Grammar = staticmethod(checks.llm_grammar)
    ahead = 4

    def __init__(self, engine: Engine) -> None:
        self.engine: Any = engine
        error = InvalidRequest if isinstance(engine, Foreign) else Overloaded
        failure = checks.Failure(name="fail", request=lambda: "fail", error=error)
        self.failures: Sequence[checks.Failure] = [failure] if isinstance(engine, Wrong) else []

    def request(self, number: int) -> str:
        return "ab"[number]

    def endless(self) -> str:
        self.engine.made = 0
        return "endless"

    def answer(self, events: Sequence[Any]) -> Any:
        return [event.text for event in events if isinstance(event, llm.TextDelta)]

    def busy(self) -> int:
        return int(self.engine.working)

    def produced(self) -> int:
        return int(self.engine.made)

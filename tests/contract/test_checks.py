"""The checks themselves: engines that break the contract in one way each are caught by the check meant for it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from typing import Any

import pytest

from adapters.contract import checks, llm, stt, tts
from adapters.contract.engine import Started
from adapters.contract.errors import Overloaded, Unavailable

FINISHED = llm.Finished(reason="stop", usage=llm.Usage(input_tokens=0, output_tokens=0))
PIECES = ("one ", "two ", "three ")


class Engine:
    """A correct engine, the source of whose pieces counts what it made and whether it is at work."""

    def __init__(self) -> None:
        self.info = llm.Info()
        self.working = 0
        self.made = 0

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        self.working += 1
        self.made = 0
        try:
            yield Started()
            for piece in PIECES:
                await asyncio.sleep(0)
                self.made += 1
                yield llm.TextDelta(text=request + piece)
            yield FINISHED
        finally:
            self.working -= 1

    async def aclose(self) -> None:
        pass


class Leaking(Engine):
    """Says nothing of its source when it is closed."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        self.working += 1
        yield Started()
        for piece in PIECES:
            await asyncio.sleep(0)
            yield llm.TextDelta(text=request + piece)
        self.working -= 1
        yield FINISHED


class Eager(Engine):
    """Is at work before anybody reads."""

    def stream(self, request: str) -> AsyncGenerator[Any, None]:
        self.working += 1
        return super().stream(request)


class Mixing(Engine):
    """Keeps what it writes in one place for all streams."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        self.request = request
        yield Started()
        for piece in PIECES:
            await asyncio.sleep(0)
            yield llm.TextDelta(text=self.request + piece)
        yield FINISHED


class Running(Engine):
    """Runs ahead of its reader."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        async def ahead() -> None:
            for _ in range(1000):
                self.made += 1
                await asyncio.sleep(0)

        self.made = 0
        task = asyncio.create_task(ahead())
        try:
            async for event in super().stream(request):
                yield event
        finally:
            task.cancel()


class Wrong(Engine):
    """Fails with another error than it should."""

    async def stream(self, request: str) -> AsyncGenerator[Any, None]:
        if request == "fail":
            raise Unavailable("no")
        async for event in super().stream(request):
            yield event


class Rig:
    """The rig of an engine above."""

    grammar: checks.Grammar = staticmethod(checks.llm_grammar)

    def __init__(self, engine: Engine) -> None:
        self.engine: Any = engine
        self.failures = (
            [checks.Failure(name="busy", request=lambda: "fail", error=Overloaded)] if isinstance(engine, Wrong) else []
        )

    def request(self, number: int) -> str:
        return "ab"[number]

    def answer(self, events: Sequence[Any]) -> Any:
        return [event.text for event in events if isinstance(event, llm.TextDelta)]

    def busy(self) -> int:
        return int(self.engine.working)

    def produced(self) -> int | None:
        return int(self.engine.made)


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
async def test_a_correct_engine_passes(check: Callable[[Any], Any]) -> None:
    await check(Rig(Engine()))


@pytest.mark.parametrize(
    ("engine", "check"),
    [
        (Leaking, checks.check_early_close),
        (Leaking, checks.check_cancel),
        (Eager, checks.check_lazy),
        (Mixing, checks.check_two_streams),
        (Running, checks.check_slow_reader),
        (Wrong, checks.check_failures),
    ],
)
async def test_a_broken_engine_is_caught(engine: type[Engine], check: Callable[[Any], Any]) -> None:
    with pytest.raises(AssertionError):
        await check(Rig(engine()))


TEXT = llm.TextDelta(text="hm")
CALL = llm.ToolCallStarted(call_id="1", name="look")
ARGUMENTS = llm.ToolCallDelta(call_id="1", arguments="{}")
CALLED = llm.ToolCallFinished(call_id="1", name="look", arguments="{}")


def faulty(arguments: str, invalid: str | None = None) -> list[Any]:
    finished = llm.ToolCallFinished(call_id="1", name="look", arguments=arguments, invalid=invalid)
    return [CALL, llm.ToolCallDelta(call_id="1", arguments=arguments), finished]


@pytest.mark.parametrize(
    "events",
    [
        [],
        [TEXT, FINISHED],
        [Started(), TEXT],
        [Started(), Started(), FINISHED],
        [Started(), FINISHED, FINISHED],
        [Started(), llm.TextDelta(text=""), FINISHED],
        [Started(), CALL, FINISHED],
        [Started(), CALL, CALL, ARGUMENTS, CALLED, FINISHED],
        [Started(), CALL, CALLED, FINISHED],
        [Started(), CALL, ARGUMENTS, llm.ToolCallFinished(call_id="1", name="see", arguments="{}"), FINISHED],
        *([Started(), *faulty(arguments), FINISHED] for arguments in ("{", "[]")),
        [Started(), tts.AudioChunk(pcm=b"\0\0"), FINISHED],
        [Started(), TEXT, llm.Finished(reason="stop", usage=None)],
    ],
)
def test_a_malformed_answer_is_caught(events: list[Any]) -> None:
    with pytest.raises((AssertionError, KeyError)):
        checks.llm_grammar(events)


def test_a_whole_tool_call_is_well_formed() -> None:
    checks.llm_grammar([Started(), TEXT, CALL, ARGUMENTS, CALLED, FINISHED])
    checks.llm_grammar([Started(), *faulty("{", "The arguments are not JSON."), FINISHED])


HEARD = stt.Finished(language=None, seconds=1.0)


@pytest.mark.parametrize(
    "between",
    [
        [],
        [stt.PartialTranscript(stable="a")],
        [stt.PartialTranscript(stable="ab"), stt.PartialTranscript(stable="a"), stt.FinalTranscript(text="ab")],
        [stt.PartialTranscript(stable="x"), stt.FinalTranscript(text="ab")],
        [stt.FinalTranscript(text="a"), stt.FinalTranscript(text="a")],
    ],
)
def test_a_malformed_transcript_is_caught(between: list[Any]) -> None:
    with pytest.raises(AssertionError):
        checks.stt_grammar([Started(), *between, HEARD])


@pytest.mark.parametrize("pcm", [b"", b"\0"])
def test_a_malformed_chunk_is_caught(pcm: bytes) -> None:
    with pytest.raises(AssertionError):
        checks.tts_grammar([Started(), tts.AudioChunk(pcm=pcm), tts.Finished(seconds=0.0, characters=1)])


def test_a_parser_that_depends_on_the_split_is_caught() -> None:
    def lines(chunks: Iterable[bytes]) -> list[Any]:
        return [line for chunk in chunks for line in chunk.split(b"\n")]

    with pytest.raises(AssertionError):
        checks.check_any_split(lines, b"one\ntwo\n")

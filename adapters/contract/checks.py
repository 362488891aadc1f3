"""The contract's conformance checks, plain asserts for any test runner: every adapter passes every check of ``CHECKS``.

A test hands each check a *rig*: one engine and a hand on what stands behind it. See ``adapters/README.md``.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import msgspec

from adapters.contract import llm, stt, tts
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError

Grammar = Callable[[Sequence[Any]], None]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A request that must fail with exactly this class of error, before or after content events."""

    name: str
    request: Callable[[], Any]
    error: type[AdapterError]


class Rig(Protocol):
    """One engine under test, warmed up, and a hand on what stands behind it."""

    engine: Any
    """The engine; ``engine.stream(request)`` is what the checks exercise."""

    grammar: Grammar
    """``llm_grammar``, ``stt_grammar`` or ``tts_grammar``."""

    failures: Sequence[Failure]
    """Requests that fail; empty when nothing can."""

    def request(self, number: int) -> Any:
        """Request 0 or 1: both succeed, with content events and with answers that differ."""

    def answer(self, events: Sequence[Any]) -> Any:
        """What tells the answers of request 0 and 1 apart, and is the same each time one is repeated."""

    def busy(self) -> int:
        """How many streams whatever stands behind the engine (server, worker, lock) is serving at this moment."""

    def produced(self) -> int | None:
        """How many items the source has made for its open stream, if the rig can tell."""


async def read(stream: AsyncGenerator[Any, None]) -> list[Any]:
    """Every event of a stream, which is closed whatever happens."""
    async with aclosing(stream):
        return [event async for event in stream]


def _frame(events: Sequence[Any], finished: type) -> Sequence[Any]:
    assert len(events) >= 2, f"a stream has at least Started and Finished, got {events!r}"
    assert isinstance(events[0], Started), f"the first event is Started, got {events[0]!r}"
    assert isinstance(events[-1], finished), f"the last event is Finished, got {events[-1]!r}"
    between = events[1:-1]
    assert not any(isinstance(event, Started | finished) for event in between), "Started and Finished come once"
    return between


def llm_grammar(events: Sequence[Any]) -> None:
    """Pieces are not empty, tool calls begin, grow and end in order and reassemble, usage is there."""
    names: dict[str, str] = {}
    arguments: dict[str, str] = {}
    for event in _frame(events, llm.Finished):
        match event:
            case llm.TextDelta() | llm.ReasoningDelta():
                assert event.text, "a delta is never empty"
            case llm.ToolCallStarted():
                assert event.call_id not in names, f"call {event.call_id!r} started twice"
                names[event.call_id], arguments[event.call_id] = event.name, ""
            case llm.ToolCallDelta():
                arguments[event.call_id] += event.arguments
            case llm.ToolCallFinished():
                assert event.name == names.pop(event.call_id), "a call keeps its name"
                assert event.arguments == arguments[event.call_id], "the deltas joined are the arguments"
                assert event.invalid or _is_object(event.arguments), "what is no JSON object is reported as invalid"
            case _:
                raise AssertionError(f"{event!r} is no event of a language model")
    assert not names, f"calls {sorted(names)} never finished"
    assert events[-1].usage is not None, "usage is present"


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(arguments), dict)
    except msgspec.DecodeError:
        return False


def stt_grammar(events: Sequence[Any]) -> None:
    """Stable text only grows and begins the one final transcript, which comes last."""
    between = _frame(events, stt.Finished)
    assert between, "there is a final transcript"
    final = between[-1]
    assert isinstance(final, stt.FinalTranscript), f"the transcript ends with the final one, got {final!r}"
    stable = ""
    for event in between[:-1]:
        assert isinstance(event, stt.PartialTranscript), f"only partial transcripts come before, got {event!r}"
        assert event.stable.startswith(stable), "stable text only grows"
        stable = event.stable
    assert final.text.startswith(stable), "stable text begins the final one"


def tts_grammar(events: Sequence[Any]) -> None:
    """Chunks are whole samples and never empty."""
    for event in _frame(events, tts.Finished):
        assert isinstance(event, tts.AudioChunk), f"{event!r} is no event of a synthesiser"
        assert event.pcm, "a chunk is never empty"
        assert len(event.pcm) % 2 == 0, "a chunk holds whole samples"


async def check_grammar(rig: Rig) -> None:
    """Both answers are well formed, differ, and leave nothing running."""
    first, second = await read(rig.engine.stream(rig.request(0))), await read(rig.engine.stream(rig.request(1)))
    rig.grammar(first)
    rig.grammar(second)
    assert rig.answer(first) != rig.answer(second), "the rig's two requests must have different answers"
    assert rig.busy() == 0


async def check_lazy(rig: Rig) -> None:
    """Nothing happens until a stream is iterated, and closing it then is harmless."""
    stream = rig.engine.stream(rig.request(0))
    assert rig.busy() == 0
    await stream.aclose()
    await stream.aclose()
    assert rig.busy() == 0


async def _first_content(stream: AsyncGenerator[Any, None]) -> Any:
    async for event in stream:
        if not isinstance(event, Started):
            return event
    raise AssertionError("the stream ended without content")


async def check_early_close(rig: Rig) -> None:
    """Closing in the middle has released what stands behind before it returns, and the engine goes on."""
    stream = rig.engine.stream(rig.request(0))
    await _first_content(stream)
    await stream.aclose()
    assert rig.busy() == 0, "aclose() returned while the source was still at work"
    rig.grammar(await read(rig.engine.stream(rig.request(0))))


async def check_cancel(rig: Rig) -> None:
    """Cancelling the reader, at its first wait or in the middle, does the same as closing."""
    for admitted in (False, True):
        try:
            async with asyncio.timeout(None) as scope, aclosing(rig.engine.stream(rig.request(0))) as stream:
                if admitted:
                    await _first_content(stream)
                scope.reschedule(0)
                async for _ in stream:
                    pass
        except TimeoutError:
            pass
        assert rig.busy() == 0, "the reader was cancelled and the source is still at work"
    rig.grammar(await read(rig.engine.stream(rig.request(0))))


async def check_two_streams(rig: Rig) -> None:
    """Two streams read in turn give what each gives alone."""
    if rig.engine.info.max_parallel == 1:
        return
    alone = [rig.answer(await read(rig.engine.stream(rig.request(number)))) for number in (0, 1)]
    together: list[list[Any]] = [[], []]
    async with aclosing(rig.engine.stream(rig.request(0))) as one, aclosing(rig.engine.stream(rig.request(1))) as two:
        open_streams = {0: one, 1: two}
        while open_streams:
            for number, stream in list(open_streams.items()):
                event = await anext(stream, None)
                if event is None:
                    del open_streams[number]
                else:
                    together[number].append(event)
    assert [rig.answer(events) for events in together] == alone, "two streams were mixed"


async def check_slow_reader(rig: Rig) -> None:
    """A reader that stops is not outrun by more than a bounded buffer."""
    async with aclosing(rig.engine.stream(rig.request(0))) as stream:
        await _first_content(stream)
        settled = rig.produced()
        if settled is None:
            return
        for _ in range(100):
            await asyncio.sleep(0)
        assert (rig.produced() or 0) <= settled + 1, "the source runs ahead of its reader"


async def check_failures(rig: Rig) -> None:
    """What fails raises exactly the class that says so, and leaves nothing running."""
    for failure in rig.failures:
        try:
            events = await read(rig.engine.stream(failure.request()))
        except AdapterError as error:
            assert type(error) is failure.error, f"{failure.name}: {type(error).__name__}, not {failure.error.__name__}"
            assert error.message, f"{failure.name}: an error says what happened"
        else:
            raise AssertionError(f"{failure.name}: did not fail, gave {events!r}")
        assert rig.busy() == 0, f"{failure.name}: something is still running"


async def check_close_engine(rig: Rig) -> None:
    """An engine can be closed twice."""
    await rig.engine.aclose()
    await rig.engine.aclose()
    assert rig.busy() == 0


CHECKS: tuple[Callable[[Rig], Awaitable[None]], ...] = (
    check_grammar,
    check_lazy,
    check_early_close,
    check_cancel,
    check_two_streams,
    check_slow_reader,
    check_failures,
    check_close_engine,
)


def check_any_split(events: Callable[[Iterable[bytes]], list[Any]], payload: bytes) -> None:
    """However the bytes of an upstream's answer are cut, ``events`` makes the same of them."""
    whole = events([payload])
    assert events([payload[at : at + 1] for at in range(len(payload))]) == whole, "cut into single bytes"
    for at in range(1, len(payload)):
        assert events([payload[:at], payload[at:]]) == whole, f"cut at byte {at}"

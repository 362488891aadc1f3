"""The checks of every streaming engine, whichever its stage."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from adapters.contract.checks.rig import Check, Rig, read
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, InvalidRequest, TooLong

POLL_SECONDS = 0.01
QUIET_POLLS = 20
"""A source that makes nothing for this many polls has stopped."""

RESUME_SECONDS = 30
"""How long the next event may take after that; a stream that takes longer is stuck."""


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
    await asyncio.sleep(POLL_SECONDS)
    assert rig.busy() == 0, "the source is at work before anybody reads"
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
    """Two streams read in turn give what each gives alone; where one is the limit, the first is left in the middle."""
    alone = [rig.answer(await read(rig.engine.stream(rig.request(number)))) for number in (0, 1)]
    if rig.engine.info.max_parallel == 1:
        async with aclosing(rig.engine.stream(rig.request(0))) as left:
            await _first_content(left)
        answers = [rig.answer(await read(rig.engine.stream(rig.request(number)))) for number in (1, 0)]
        assert answers == alone[::-1], "the stream that was left changed the next ones"
        return
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
    """While the reader stands still, a source without an end gets at most ``rig.ahead`` units ahead; then it goes on.

    An engine that takes the whole input before it answers refuses an endless one with ``TooLong``, as early.
    """
    try:
        async with aclosing(rig.engine.stream(rig.endless())) as stream:
            await _first_content(stream)
            await _standstill(rig)
            async with asyncio.timeout(RESUME_SECONDS):
                assert await anext(stream, None) is not None, "the stream ends where its reader stood still"
    except TooLong:
        assert rig.produced() <= rig.ahead, f"{rig.produced()} taken before the refusal, {rig.ahead} allowed"
    except TimeoutError:
        raise AssertionError("the source does not go on when its reader does") from None
    assert rig.busy() == 0, "the reader has left and the source is still at work"


async def _standstill(rig: Rig) -> None:
    """Wait until the source has stopped, or is too far ahead."""
    made, quiet = rig.produced(), 0
    while quiet < QUIET_POLLS and made <= rig.ahead:
        await asyncio.sleep(POLL_SECONDS)
        quiet = quiet + 1 if rig.produced() == made else 0
        made = rig.produced()
    assert made <= rig.ahead, f"the source runs ahead of its reader: {made} made, {rig.ahead} allowed"


async def check_failures(rig: Rig) -> None:
    """What fails raises exactly the class that says so, names fields of the request, and leaves nothing running."""
    for failure in rig.failures:
        request = failure.request()
        try:
            events = await read(rig.engine.stream(request))
        except AdapterError as error:
            assert type(error) is failure.error, f"{failure.name}: {type(error).__name__}, not {failure.error.__name__}"
            assert error.message, f"{failure.name}: an error says what happened"
            _check_param(failure.name, error, request)
        else:
            raise AssertionError(f"{failure.name}: did not fail, gave {events!r}")
        assert rig.busy() == 0, f"{failure.name}: something is still running"


def _check_param(failure: str, error: AdapterError, request: Any) -> None:
    """An error names a field as the contract does; each surface of the gateway has names of its own."""
    if isinstance(error, InvalidRequest) and error.param is not None:
        field = re.split(r"[.\[]", error.param)[0]
        assert hasattr(request, field), f"{failure}: {error.param!r} is not a field of {type(request).__name__}"


async def check_close_engine(rig: Rig) -> None:
    """An engine can be closed twice."""
    await rig.engine.aclose()
    await rig.engine.aclose()
    assert rig.busy() == 0


CHECKS: tuple[Check, ...] = (
    check_grammar,
    check_lazy,
    check_early_close,
    check_cancel,
    check_two_streams,
    check_slow_reader,
    check_failures,
    check_close_engine,
)

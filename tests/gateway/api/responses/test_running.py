"""A response that is being written: found by its id, and cancelled wherever it is."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from gateway.api.responses import running as running_module
from gateway.api.responses.running import Cancelled, RunningResponses
from gateway.api.responses.schema import Response
from gateway.api.responses.writer import ResponseWriter


class Source:
    """Events, of which the second never comes; it knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def events(self) -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            self.closed = True


def writer(*, store: bool = True) -> ResponseWriter:
    return ResponseWriter(Response(id="resp_1", created_at=1, model="m", store=store), summarised=False)


async def test_only_what_is_stored_is_found_and_only_while_it_is_written() -> None:
    responses = RunningResponses()
    with responses.entered(writer()) as running:
        assert responses.find("resp_1") is running
    assert responses.find("resp_1") is None
    with responses.entered(writer(store=False)):
        assert responses.find("resp_1") is None


async def test_waiting_for_an_event_ends_when_it_is_cancelled() -> None:
    responses, source = RunningResponses(), Source()

    async def read() -> None:
        with responses.entered(writer()) as running:
            events = source.events()
            assert await running.read(events) == 1
            with pytest.raises(Cancelled):
                await running.read(events)
            assert source.closed

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    found = responses.find("resp_1")
    assert found is not None
    assert found.response.id == "resp_1"
    await found.cancel()
    await reading


async def test_requests_that_cancel_it_at_once_all_succeed() -> None:
    responses, source = RunningResponses(), Source()

    async def read() -> None:
        with responses.entered(writer()) as running:
            events = source.events()
            await running.read(events)
            with pytest.raises(Cancelled):
                await running.read(events)

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    found = responses.find("resp_1")
    assert found is not None
    cancelling = [asyncio.create_task(found.cancel())]
    while not source.closed:  # one more at every step until the first has ended the wait
        cancelling.append(asyncio.create_task(found.cancel()))
        await asyncio.sleep(0)
    await asyncio.gather(*cancelling, reading)


async def test_a_response_whose_reader_is_busy_ends_with_the_next_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "CANCEL_SECONDS", 0.001)
    responses, source = RunningResponses(), Source()
    with responses.entered(writer()) as running:
        events = source.events()
        await running.read(events)
        await running.cancel()
        assert not source.closed
        with pytest.raises(Cancelled):
            await running.read(events)
        assert source.closed


async def test_a_time_limit_of_the_source_is_not_a_cancellation() -> None:
    async def late() -> AsyncGenerator[int, None]:
        raise TimeoutError("of its own")
        yield 1

    with RunningResponses().entered(writer()) as running:
        with pytest.raises(TimeoutError, match="of its own"):
            await running.read(late())

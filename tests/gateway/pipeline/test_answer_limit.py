"""An answer that does not end is ended, and what came before is whole."""

from collections.abc import AsyncGenerator

import pytest

from adapters.contract import llm
from gateway.pipeline.answer_limit import limited_answer
from tests.support.streams import read

END = llm.Finished(reason="stop", usage=llm.Usage(input_tokens=1, output_tokens=1))
CUT = llm.Finished(reason="length", usage=None)


class Model:
    """Plays events, and says whether it was closed."""

    def __init__(self, *events: llm.Event) -> None:
        self.events = events
        self.closed = False
        self.ended = False

    async def stream(self) -> AsyncGenerator[llm.Event, None]:
        try:
            for event in self.events:
                yield event
            self.ended = True
        finally:
            self.closed = True


def text(words: str) -> llm.TextDelta:
    return llm.TextDelta(text=words)


def started(call_id: str) -> llm.ToolCallStarted:
    return llm.ToolCallStarted(call_id=call_id, name="f")


def delta(call_id: str, arguments: str) -> llm.ToolCallDelta:
    return llm.ToolCallDelta(call_id=call_id, arguments=arguments)


async def test_what_is_within_the_limit_passes() -> None:
    call = llm.ToolCallFinished(call_id="c", name="f", arguments="{}")
    events = (text("12345"), llm.ReasoningDelta(text="x" * 100), started("c"), delta("c", "{}"), call, END)
    assert await read(limited_answer(Model(*events).stream(), 9)) == list(events)


async def test_a_refusal_that_is_cut_is_one() -> None:
    refused = llm.TextDelta(text="12345", refusal=True)
    found = await read(limited_answer(Model(refused, END).stream(), 3))
    assert found == [llm.TextDelta(text="123", refusal=True), CUT]


@pytest.mark.parametrize("most", [3, 5, 7])
async def test_text_is_cut_at_the_limit_and_the_model_is_closed(most: int) -> None:
    model = Model(text("123"), text("45"), text("678"), END)
    *pieces, last = await read(limited_answer(model.stream(), most))
    assert last == CUT
    assert "".join(piece.text for piece in pieces) == "12345678"[:most]
    assert all(piece.text for piece in pieces), "no piece is empty"
    assert (model.closed, model.ended) == (True, False)


async def test_a_call_that_is_cut_is_finished_and_cannot_be_made() -> None:
    model = Model(started("a"), started("b"), delta("a", '{"x": '), delta("b", "{}"), delta("a", "1" * 99), END)
    *events, first, second, last = await read(limited_answer(model.stream(), 20))
    assert last == CUT
    for call, arguments in ((first, '{"x": ' + "1" * 8), (second, "{}")):
        joined = "".join(
            one.arguments for one in events if isinstance(one, llm.ToolCallDelta) and one.call_id == call.call_id
        )
        assert call.arguments == joined == arguments
        assert "after 20 characters" in call.invalid


async def test_calls_without_end_are_cut_before_the_next_begins() -> None:
    model = Model(*[started(f"{number}") for number in range(10)], END)
    events = await read(limited_answer(model.stream(), 5))
    assert [event.call_id for event in events if isinstance(event, llm.ToolCallStarted)] == ["0", "1"]
    assert [event.call_id for event in events if isinstance(event, llm.ToolCallFinished)] == ["0", "1"]
    assert events[-1] == CUT


async def test_a_failure_passes() -> None:
    async def failing() -> AsyncGenerator[llm.Event, None]:
        yield text("1")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read(limited_answer(failing(), 5))

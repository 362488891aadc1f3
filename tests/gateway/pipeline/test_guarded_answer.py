"""A clause goes on once it has passed, and while it is spoken the next one is judged."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from adapters.contract import guard, llm
from adapters.contract.engine import Started
from adapters.contract.errors import Unavailable, UpstreamError
from gateway.pipeline.guarded_answer import Guarded, guarded_answer, sentence_instead
from gateway.telemetry.timings import Stopwatch
from tests.support.scripted_guard import ScriptedGuard, active
from tests.support.streams import read

USAGE = llm.Usage(input_tokens=1, output_tokens=2)
CLAUSES = (
    "The weather is fine over here,",
    " I can tell you that.",
    " It is a bad day for umbrellas,",
    " and so on.",
)


class Model:
    """Writes ``pieces``; ``closed`` when nobody reads on."""

    def __init__(self, *pieces: str | llm.Event) -> None:
        self.closed = False
        self._pieces = pieces

    async def stream(self) -> AsyncGenerator[llm.Event, None]:
        try:
            yield Started()
            for piece in self._pieces:
                yield llm.TextDelta(text=piece) if isinstance(piece, str) else piece
            yield llm.Finished(reason="stop", usage=USAGE)
        finally:
            self.closed = True


def letters(text: str) -> Model:
    return Model(*text)


async def guarded(model: Model, scripted: ScriptedGuard, **rules: Any) -> list[Any]:
    events = await read(guarded_answer(model.stream(), [active(scripted, **rules)], Stopwatch()))
    assert events[0] == Started()
    assert isinstance(events[-1], llm.Finished)
    assert model.closed
    return events[1:]


def texts(events: list[Any]) -> list[str]:
    return [event.text for event in events if isinstance(event, llm.TextDelta)]


class TestText:
    async def test_it_comes_by_clauses_and_is_whole(self) -> None:
        scripted = ScriptedGuard("nothing of that")
        events = await guarded(letters("".join(CLAUSES)), scripted)
        assert texts(events) == list(CLAUSES) == scripted.texts
        assert [request.before for request in scripted.asked][1:3] == [CLAUSES[0], CLAUSES[0] + CLAUSES[1]]
        assert events[-1] == llm.Finished(reason="stop", usage=USAGE)

    async def test_a_refusal_stays_one(self) -> None:
        pieces = [llm.TextDelta(text=piece, refusal=True) for piece in ("I can't", " help. Sor", "ry.")]
        events = await guarded(Model("Well", *pieces, " Bye."), ScriptedGuard("nothing of that"))
        assert events[:-1] == [
            llm.TextDelta(text="Well"),
            llm.TextDelta(text="I can't help.", refusal=True),
            llm.TextDelta(text=" Sorry.", refusal=True),
            llm.TextDelta(text=" Bye."),
        ]

    async def test_nothing_goes_on_before_it_has_passed(self) -> None:
        seen: list[str] = []
        judged: list[list[str]] = []

        async def judge(_request: guard.Request) -> bool:
            judged.append(list(seen))
            await asyncio.sleep(0)
            return False

        answer = guarded_answer(letters("".join(CLAUSES)).stream(), [active(ScriptedGuard(judge=judge))], Stopwatch())
        async with aclosing(answer) as events:
            async for event in events:
                seen += texts([event])
        assert judged == [list(CLAUSES[:count]) for count in range(4)]

    @pytest.mark.parametrize("action", ["refuse", "stop"])
    async def test_the_answer_is_ended(self, action: str) -> None:
        events = await guarded(letters("".join(CLAUSES)), ScriptedGuard(), action=action, sentence="No.")
        assert texts(events) == [*CLAUSES[:2], *([" No."] if action == "stop" else [])]
        assert Guarded(guard="test") in events
        assert events[-1] == llm.Finished(reason="content_filter", usage=None)

    async def test_a_clause_is_replaced_with_the_rest_of_its_sentence(self) -> None:
        text = "".join(CLAUSES) + " Bye for now."
        events = await guarded(letters(text), ScriptedGuard(), action="replace", sentence="No.")
        assert texts(events) == [*CLAUSES[:2], " No.", " Bye for now."]
        assert events[-1].reason == "stop"

    async def test_the_sentence_is_said_once_in_a_row(self) -> None:
        text = "One bad thing. Another bad thing. Good. Bad bad things."
        events = await guarded(letters(text), ScriptedGuard(), action="replace", sentence="No.")
        assert texts(events) == ["No.", " Good.", " No."]
        assert events.count(Guarded(guard="test")) == 3

    async def test_what_is_flagged_in_two_clauses_together_is_found(self) -> None:
        text = "It is my favourite colour, red. Herring is my favourite fish."
        assert texts(await guarded(letters(text), ScriptedGuard("red. Herring"), action="stop", sentence="No.")) == [
            "It is my favourite colour,",
            " red.",
            " No.",
        ]


CALL = (
    llm.ToolCallStarted(call_id="c", name="f"),
    llm.ToolCallDelta(call_id="c", arguments='{"word": '),
    llm.ToolCallDelta(call_id="c", arguments='"good"}'),
    llm.ToolCallFinished(call_id="c", name="f", arguments='{"word": "good"}'),
)


class TestOtherEvents:
    async def test_reasoning_is_left_out(self) -> None:
        scripted = ScriptedGuard()
        events = await guarded(Model(llm.ReasoningDelta(text="This is bad."), "Fine."), scripted)
        assert [type(event) for event in events] == [llm.TextDelta, llm.Finished]
        assert scripted.texts == ["Fine."]

    async def test_a_call_goes_on_when_its_arguments_have_passed(self) -> None:
        scripted = ScriptedGuard()
        events = await guarded(Model("Wait", *CALL), scripted)
        assert events[:-1] == [llm.TextDelta(text="Wait"), *CALL]
        assert scripted.texts == ["Wait", '{"word": "good"}']

    @pytest.mark.parametrize("action", ["refuse", "stop", "replace"])
    async def test_of_a_call_that_is_flagged_nothing_goes_on(self, action: str) -> None:
        events = await guarded(Model("Wait.", *CALL), ScriptedGuard("good"), action=action, sentence="No.")
        assert texts(events) == ["Wait.", *([] if action == "refuse" else [" No."])]
        assert not [event for event in events if isinstance(event, llm.ToolCallStarted)]

    async def test_calls_that_are_written_at_once_wait_for_all(self) -> None:
        other = llm.ToolCallStarted(call_id="d", name="g"), llm.ToolCallFinished(call_id="d", name="g", arguments="{}")
        mixed = (CALL[0], other[0], *CALL[1:], other[1])
        events = await guarded(Model(*mixed), scripted := ScriptedGuard())
        assert events[:-1] == [*mixed]
        assert scripted.texts == ['{"word": "good"}\n{}']


class TestFailures:
    async def test_a_guard_that_is_down_and_closed_fails_the_answer(self) -> None:
        async def down(_request: guard.Request) -> bool:
            raise UpstreamError("down")

        model = letters("Hello there, my friend.")
        with pytest.raises(Unavailable, match="cannot be asked"):
            await read(guarded_answer(model.stream(), [active(ScriptedGuard(judge=down))], Stopwatch()))
        assert model.closed
        events = await guarded(letters("A bad day."), ScriptedGuard(judge=down), on_failure="open")
        assert texts(events) == ["A bad day."]

    async def test_the_first_guard_that_flags_acts(self) -> None:
        first, second = ScriptedGuard("worse"), ScriptedGuard("bad")
        guards = [active(first, name="one"), active(second, name="two", action="stop", sentence="No.")]
        events = await read(guarded_answer(letters("That is bad.").stream(), guards, Stopwatch()))
        assert events[1:3] == [Guarded(guard="two"), llm.TextDelta(text="No.")]


async def test_a_sentence_stands_in_place_of_the_model() -> None:
    assert await read(sentence_instead("No.")) == [
        Started(),
        llm.TextDelta(text="No."),
        llm.Finished(reason="content_filter", usage=None),
    ]

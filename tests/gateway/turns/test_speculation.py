"""Turns that are begun before it is certain that they are needed: what they do, and how they are charged."""

import asyncio
from contextlib import aclosing

from adapters.contract import llm, tts
from gateway.access.caller import ANYONE
from gateway.conversation.history import ConversationRef, History
from gateway.conversation.memory_store import MemoryStore
from gateway.engines.route import Engines, ServedRoute
from gateway.pipeline.answer import TextFinished
from gateway.settings.load import load
from gateway.telemetry.outcome import TurnOutcome
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import Turns
from gateway.turns.request import TurnRequest
from gateway.turns.result import TurnEvent
from gateway.turns.speculation import Speculation
from tests.support.server import scripted_engines, until

ASKED = ConversationRef(keep=False, history=(llm.Message(role="user", parts=(llm.Text(text="Hello?"),)),))


class Attempt:
    """A turn of which two utterances can be spoken, read in a task of its own."""

    def __init__(self, utterances: int) -> None:
        self.engines: Engines = scripted_engines()
        self.events: list[TurnEvent] = []
        self.outcomes: list[TurnOutcome] = []
        self.lost: list[TurnOutcome] = []
        self.speculation = Speculation(utterances, self.lost.append)
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        loaded = load([], {})
        served = ServedRoute(route=loaded.routes[0], engines=self.engines)
        history = History(MemoryStore(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1), 1_000_000)
        turns = Turns(history, lambda _: self.outcomes.append)
        request = TurnRequest(caller=ANYONE, id="resp_7", conversation=ASKED, speculation=self.speculation)
        async with aclosing(turns.begin(request, served, Stopwatch()).events()) as events:
            async for event in events:
                self.events.append(event)

    async def until(self, kind: type[TurnEvent]) -> None:
        await until(lambda: any(isinstance(event, kind) for event in self.events))

    def asked_to_speak(self) -> list[str]:
        return [request.text for request in self.engines.tts.requests]  # type: ignore[attr-defined]


async def test_it_speaks_as_much_as_it_may_and_the_rest_once_it_is_adopted() -> None:
    for utterances, spoken in ((0, []), (1, ["Hello there."])):
        attempt = Attempt(utterances)
        await attempt.until(TextFinished)
        await asyncio.sleep(0.05)
        assert attempt.asked_to_speak() == spoken
        attempt.speculation.adopt()
        await attempt.task
        assert attempt.asked_to_speak() == ["Hello there.", "How are you?"]
        assert any(isinstance(event, tts.AudioChunk) for event in attempt.events)
        (outcome,) = attempt.outcomes
        assert (outcome.response_id, outcome.reason, outcome.speculative) == ("resp_7", "stop", False)
        assert attempt.lost == []


async def test_one_that_is_thrown_away_closes_its_engines_and_is_charged_as_speculative() -> None:
    attempt = Attempt(1)
    await attempt.until(tts.AudioChunk)
    attempt.task.cancel()
    await asyncio.wait([attempt.task])
    assert attempt.engines.llm.open == attempt.engines.tts.open == 0  # type: ignore[attr-defined]
    (outcome,), (lost,) = attempt.outcomes, attempt.lost
    assert (outcome.reason, outcome.speculative) == ("left", True)
    assert lost.estimate is not None
    assert lost.estimate.output_tokens > 0

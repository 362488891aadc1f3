"""What of a turn's prompt the guards judge, and what is remembered of a turn in which they flagged something."""

from typing import Any

import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.access.caller import ANYONE
from gateway.conversation.history import ConversationRef, History
from gateway.conversation.memory_store import MemoryStore
from gateway.engines.route import ServedRoute
from gateway.settings.load import load
from gateway.telemetry.outcome import TurnOutcome
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import Turns
from gateway.turns.request import TurnRequest
from tests.support.scripted_guard import ScriptedGuard, guards_of
from tests.support.server import scripted_engines
from tests.support.streams import read


class Room:
    """Where turns of one conversation are taken, with a guard for what the model reads."""

    def __init__(self, *flags: str, heard: str = "a bad word", **rules: Any) -> None:
        self.guard = ScriptedGuard()
        self.engines: Any = scripted_engines(
            stt=scripted.recogniser(heard), llm=scripted.language_model(scripted.answering("Hello."))
        )
        guards = guards_of(self.guard, **{"on": ("transcript",), "sentence": "No.", **rules})
        self._served = ServedRoute(route=load(flags, {}).routes[0], engines=self.engines, guards=guards)
        self.outcomes: list[TurnOutcome] = []
        store = MemoryStore(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1)
        self._turns = Turns(History(store, 100_000), lambda _turn: self.outcomes.append)

    async def taken(self, text: str | None = None, **fields: Any) -> list[Any]:
        """A turn with a recording, or with ``text``."""
        added = () if text is None else (llm.Message(role="user", parts=(llm.Text(text=text),)),)

        async def audio(rate: int) -> bytes:
            return b"\x00\x20\x00\xe0" * (rate // 2)

        request = TurnRequest(
            caller=ANYONE,
            audio=audio if text is None else None,
            conversation=ConversationRef(conversation="c", added=added),
            **fields,
        )
        return await read(self._turns.begin(request, self._served, Stopwatch()).events())

    @property
    def asked(self) -> list[str]:
        messages = self.engines.llm.requests[-1].messages
        return [" + ".join(part.text for part in message.parts) for message in messages]


async def test_the_transcript_is_judged_before_the_model_is_asked() -> None:
    room = Room()
    with pytest.raises(InvalidRequest, match="safety system"):
        await room.taken()
    assert room.engines.llm.opened == 0
    [outcome] = room.outcomes
    assert outcome.guards == ("test",)
    assert outcome.reason == "InvalidRequest param=None code=content_policy_violation"


async def test_the_gateways_own_words_are_not_judged() -> None:
    room = Room("--init_chat_prompt", "Say nothing bad.", "--enable_lang_prompt", "--language", "en", heard="hi")
    await room.taken()
    assert room.guard.texts == ["hi"]
    assert room.asked == ["Say nothing bad.", "hi + Please reply to my message in English."]


async def test_instructions_of_the_client_are_judged() -> None:
    with pytest.raises(InvalidRequest):
        await Room(heard="hi").taken(instructions="Say something bad.")


@pytest.mark.parametrize(("action", "remembered"), [("stop", "[removed]"), ("replace", "No.")])
async def test_what_was_flagged_is_not_remembered(action: str, remembered: str) -> None:
    room = Room("--init_chat_prompt", "", action=action)
    *_, finished = await room.taken()
    assert finished.reason == ("content_filter" if action == "stop" else "stop")
    assert room.engines.llm.opened == (0 if action == "stop" else 1)
    await room.taken("And now?")
    assert room.asked == [remembered, "No." if action == "stop" else "Hello.", "And now?"]
    assert [outcome.guards for outcome in room.outcomes] == [("test",), ()]


async def test_text_is_judged_like_a_transcript() -> None:
    room = Room(action="replace")
    await room.taken("a bad word")
    assert room.asked[-1] == "No."

"""Conversations of sessions in the store: what a session does to one, and what its model is given of it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unavailable
from gateway.api.conversations import edits
from gateway.conversation.conversation import SUMMARY, Conversation
from gateway.conversation.history import ConversationRef, History
from gateway.conversation.memory_store import MemoryStore
from gateway.engines.guards import NO_GUARDS, Guards
from gateway.engines.route import ServedRoute
from gateway.realtime.driver import new_id
from gateway.realtime.memory import Memory
from gateway.realtime.protocol.items import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputText,
    Item,
    MessageItem,
    OutputAudio,
    OutputText,
)
from gateway.realtime.session.commands import Remember
from gateway.settings.load import load
from gateway.tasks import background
from gateway.turns.build import policy_of
from gateway.wire import items as wire
from gateway.wire.kept_items import conversation_items
from tests.support.realtime_session import Stage
from tests.support.scripted_guard import ScriptedGuard, guards_of
from tests.support.server import scripted_engines

SAID: tuple[Item, ...] = (
    MessageItem(id="1", role="system", content=[InputText(text="Be kind.")]),
    MessageItem(id="2", role="user", content=[InputAudio(transcript="How is the weather?")]),
    FunctionCallItem(id="3", call_id="call_1", name="weather", arguments="{}"),
    FunctionCallOutputItem(id="4", call_id="call_1", output="sunny"),
    MessageItem(id="5", role="assistant", content=[OutputAudio(transcript="It is sunny.")]),
)


def served(guards: Guards = NO_GUARDS) -> ServedRoute:
    return ServedRoute(route=load([], {}).routes[0], engines=scripted_engines(), guards=guards)


def history() -> History:
    return History(MemoryStore(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1), 1_000_000)


@pytest.mark.parametrize(("on", "stored"), [("transcript", [0, 3, 5]), ("answer", [2, 4, 5])])
async def test_where_guards_judge_what_is_said_it_is_stored_with_its_answer(on: str, stored: list[int]) -> None:
    kept, guards = history(), guards_of(ScriptedGuard(), on=(on,))
    memory = Memory(kept, served(guards), "conv_1")
    found = []
    for count in (2, 4, 5):
        await memory.keep(Remember(items=SAID[:count]))
        found.append(len((await Memory(kept, served(), "conv_1").recall(new_id))[0]))
    assert found == stored


async def test_what_was_kept_is_found_again_as_text() -> None:
    kept = history()
    memory = Memory(kept, served(), "conv_1")
    await memory.keep(Remember(items=SAID[:2]))
    await memory.keep(Remember(items=SAID))
    found, summary = await Memory(kept, served(), "conv_1").recall(new_id)
    assert [type(item) for item in found] == [type(item) for item in SAID]
    assert [item.content for item in found if isinstance(item, MessageItem)] == [
        [InputText(text="Be kind.")],
        [InputText(text="How is the weather?")],
        [OutputText(text="It is sunny.")],
    ]
    assert summary is None


async def test_other_surfaces_go_on_with_it() -> None:
    kept, route = history(), served()
    await Memory(kept, route, "conv_1").keep(Remember(items=SAID))
    async with kept.lease(ConversationRef(conversation="conv_1"), policy_of(route)) as lease:
        assert len(lease.conversation.turns) == 1


async def test_others_do_not_find_it() -> None:
    kept = history()
    await Memory(kept.of("phone"), served(), "conv_1").keep(Remember(items=SAID))
    assert await Memory(kept.of("tablet"), served(), "conv_1").recall(new_id) == ((), None)


async def test_what_is_no_id_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="conversation"):
        await Memory(history(), served(), "no id").recall(new_id)


async def test_what_could_not_be_stored_is_stored_with_the_next() -> None:
    small = History(MemoryStore(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1), 500)
    memory = Memory(small, served(), "conv_1")
    long = MessageItem(id="6", role="user", content=[InputText(text="x" * 500)])
    assert await memory.keep(Remember(items=(long,))) is None
    assert await memory.keep(Remember(items=SAID[1:2], deleted=frozenset("6"))) is not None
    assert await listed(small) == ["How is the weather?"]


async def test_what_was_stored_although_the_store_said_otherwise_comes_once() -> None:
    store = Unsure(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1)
    kept = History(store, 1_000_000)
    memory = Memory(kept, served(), "conv_1")
    assert await memory.keep(Remember(items=SAID[:2])) is not None
    store.is_unsure = True
    assert await memory.keep(Remember(items=SAID[:4])) is None
    store.is_unsure = False
    assert await memory.keep(Remember(items=SAID)) is not None
    assert await listed(kept) == ["Be kind.", "How is the weather?", "It is sunny."]
    (turn,) = (await kept.archive.conversation("conv_1")).turns
    assert [message.role for message in turn.messages] == ["user", "assistant", "tool", "assistant"]


class Unsure(MemoryStore):
    """A store whose connection may be cut after it has kept a state."""

    is_unsure = False

    async def advance(self, key: str, expected: bytes | None, value: bytes) -> bool:
        if self.is_unsure:
            raise Unavailable("The store cannot be reached.")
        return await super().advance(key, expected, value)


async def test_nothing_is_left_of_a_conversation_that_is_deleted() -> None:
    kept = history()
    memory = Memory(kept, served(), "conv_1")
    await memory.keep(Remember(items=SAID[:2]))
    state = await kept.archive.pointer("conv_1")
    assert state is not None
    await kept.archive.delete_conversation("conv_1")
    assert await kept.archive.state(state.decode()) is None


# A session and its model.


def words(request: llm.Request) -> str:
    return "\n".join(part.text for message in request.messages for part in message.parts if isinstance(part, llm.Text))


async def writing(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    """Answers, or summarises."""
    text = "They talked." if is_summary(request) else "Fine."
    yield llm.TextDelta(text=text)
    yield llm.Finished(reason="stop", usage=llm.Usage(input_tokens=1, output_tokens=1))


def is_summary(request: llm.Request) -> bool:
    return "You keep the memory" in words(request)


@asynccontextmanager
async def stage_of(*flags: str) -> AsyncGenerator[Stage, None]:
    """A stage on which summaries are written."""
    stage = Stage(scripted_engines(llm=scripted.language_model(writing)), *flags)
    async with background() as start:
        stage.history.start_maintenance(start)
        yield stage


def asked(stage: Stage) -> list[llm.Request]:
    """What the model was asked, but for summaries."""
    return [request for request in stage.engines.llm.requests if not is_summary(request)]


async def stored(stage: Stage, text: str) -> None:
    """Wait until ``text`` is the user's last in the store."""
    async with asyncio.timeout(5):
        while True:
            _, state = await stage.history.archive.newest("conv_1")
            if state is not None and text in str(state.turns[-1]) and len(state.turns[-1].messages) > 1:
                return
            await asyncio.sleep(0)


async def converse(stage: Stage, *questions: str) -> None:
    """One session of written questions; each is answered and stored before the next."""
    async with stage.session(conversation="conv_1", changes={"output_modalities": ["text"]}):
        for text in questions:
            write(stage, text)
            before = len(stage.told("response.done"))
            stage.client('{"type":"response.create"}')
            await stage.until("response.done", before + 1)
            await stored(stage, text)


def write(stage: Stage, text: str, **fields: Any) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **fields}
    stage.client(json.dumps({"type": "conversation.item.create", "item": item}))


def said(role: Any, text: str) -> Item:
    return MessageItem(id=new_id("item"), role=role, content=[InputText(text=text)])


def spoken(conversation: Conversation) -> list[str]:
    """The words of all turns."""
    messages = [message for turn in conversation.turns for message in turn.messages]
    return [part.text for message in messages for part in message.parts if isinstance(part, llm.Text)]


async def listed(kept: History) -> list[str]:
    """The words of all items of the conversation."""
    items = await conversation_items(kept.archive, await kept.archive.conversation("conv_1"))
    return [part["text"] for item in items for part in item.get("content", ())]


async def test_each_turn_is_summarised_once_and_the_session_is_given_the_summary() -> None:
    async with stage_of("--chat_size", "4") as stage:
        await converse(stage, *(f"Question {number}." for number in range(12)))
        sources = [words(request) for request in stage.engines.llm.requests if is_summary(request)]
    for number in range(4):
        assert sum(f"user: Question {number}.\n" in source for source in sources) == 1
    last = words(asked(stage)[-1])
    assert SUMMARY + "They talked." in last
    assert "Question 0." not in last
    assert max(words(request).count("Question") for request in asked(stage)) <= 9, "twice the pairs, and the last"


async def test_without_summaries_a_model_is_given_as_many_pairs_as_are_set() -> None:
    async with stage_of("--chat_size", "2", "--compact_history", "false") as stage:
        await converse(stage, "One.", "Two.", "Three.", "Four.", "Five.")
        last = words(asked(stage)[-1])
    assert [text for text in ("One.", "Two.", "Three.", "Four.", "Five.") if text in last] == [
        "Three.",
        "Four.",
        "Five.",
    ]


async def test_what_was_summarised_before_a_session_is_given_to_it_and_kept() -> None:
    async with stage_of("--chat_size", "2") as stage:
        await converse(stage, "I am Ann.", "Two.", "Three.", "Four.")
        await converse(stage, "Who am I?")
        _, state = await stage.history.archive.newest("conv_1")
    assert SUMMARY + "They talked." in words(asked(stage)[-1])
    assert state is not None
    assert state.summary == "They talked."


async def test_every_turn_of_every_session_is_listed_and_what_came_in_between() -> None:
    async with stage_of() as stage:
        await converse(stage, "One.", "Two.")
        between = wire.MessageItem(role="user", content=[wire.InputText(text="Between.")])
        await edits.add(stage.history.archive, "conv_1", [between])
        await converse(stage, "Three.")
        texts = await listed(stage.history)
        _, state = await stage.history.archive.newest("conv_1")
    assert texts == ["One.", "Fine.", "Two.", "Fine.", "Between.", "Three.", "Fine."]
    assert state is not None
    assert spoken(state) == texts


async def test_sessions_of_one_conversation_take_nothing_from_each_other() -> None:
    kept = history()
    old, new = Memory(kept, served(), "conv_1"), Memory(kept, served(), "conv_1")
    await old.keep(Remember(items=SAID[:3]))
    recalled, _ = await new.recall(new_id)
    await new.keep(Remember(items=(*recalled, said("user", "I am Ann."), said("assistant", "Hello Ann."))))
    await old.keep(Remember(items=(*SAID, said("user", "Bye."))))
    texts = await listed(kept)
    assert sorted(texts) == ["Be kind.", "Bye.", "Hello Ann.", "How is the weather?", "I am Ann.", "It is sunny."]
    assert sorted(spoken(await kept.archive.conversation("conv_1"))) == sorted(texts)[1:], "one is in the opening"


async def test_what_a_session_shortens_or_deletes_later_is_listed_so_under_the_same_id() -> None:
    kept = history()
    memory = Memory(kept, served(), "conv_1")
    await memory.keep(Remember(items=SAID))
    before = await conversation_items(kept.archive, await kept.archive.conversation("conv_1"))
    heard = MessageItem(id="5", role="assistant", content=[OutputAudio(transcript="It is")])
    await memory.keep(Remember(items=(SAID[0], *SAID[2:4], heard), deleted=frozenset("2")))
    assert await listed(kept) == ["Be kind.", "It is"]
    after = await conversation_items(kept.archive, await kept.archive.conversation("conv_1"))
    assert [item["id"] for item in after] == [item["id"] for item in before if item != before[1]]


async def test_a_system_message_at_the_head_is_given_for_good_until_a_client_takes_it_out() -> None:
    async with stage_of("--chat_size", "1", "--compact_history", "false") as stage:
        async with stage.session(conversation="conv_1"):
            write(stage, "Be kind.", role="system")
        await converse(stage, "One.", "Two.", "Three.")
        assert "Be kind." in words(asked(stage)[-1])
        archive = stage.history.archive
        first, *_ = await conversation_items(archive, await archive.conversation("conv_1"))
        await edits.remove(archive, "conv_1", first["id"])
        await converse(stage, "Four.")
        assert "Be kind." not in words(asked(stage)[-1])

"""Conversations of sessions in the store."""

import pytest

from adapters.contract.errors import InvalidRequest
from gateway.conversation.history import ConversationRef, History
from gateway.conversation.memory_store import MemoryStore
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
from gateway.settings.load import load
from gateway.turns.build import policy_of
from tests.support.server import scripted_engines

SAID: tuple[Item, ...] = (
    MessageItem(id="1", role="system", content=[InputText(text="Be kind.")]),
    MessageItem(id="2", role="user", content=[InputAudio(transcript="How is the weather?")]),
    FunctionCallItem(id="3", call_id="call_1", name="weather", arguments="{}"),
    FunctionCallOutputItem(id="4", call_id="call_1", output="sunny"),
    MessageItem(id="5", role="assistant", content=[OutputAudio(transcript="It is sunny.")]),
)


def served() -> ServedRoute:
    return ServedRoute(route=load([], {}).routes[0], engines=scripted_engines())


def history() -> History:
    return History(MemoryStore(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1), 1_000_000)


async def test_what_was_kept_is_found_again_as_text() -> None:
    kept = history()
    memory = Memory(kept, served(), "conv_1")
    await memory.keep(SAID[:2])
    await memory.keep(SAID)
    found = await Memory(kept, served(), "conv_1").recall(new_id)
    assert [type(item) for item in found] == [type(item) for item in SAID]
    assert [item.content for item in found if isinstance(item, MessageItem)] == [
        [InputText(text="Be kind.")],
        [InputText(text="How is the weather?")],
        [OutputText(text="It is sunny.")],
    ]


async def test_other_surfaces_go_on_with_it() -> None:
    kept, route = history(), served()
    await Memory(kept, route, "conv_1").keep(SAID)
    async with kept.lease(ConversationRef(conversation="conv_1"), policy_of(route)) as lease:
        assert len(lease.conversation.turns) == 1


async def test_others_do_not_find_it() -> None:
    kept = history()
    await Memory(kept.of("phone"), served(), "conv_1").keep(SAID)
    assert await Memory(kept.of("tablet"), served(), "conv_1").recall(new_id) == ()


async def test_what_is_no_id_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="conversation"):
        await Memory(history(), served(), "no id").recall(new_id)

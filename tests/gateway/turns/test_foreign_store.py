"""Whatever is written under our keys, a turn is answered, kept, and continued."""

import asyncio
import math
import re
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.access.caller import ANYONE
from gateway.conversation.conversation import Conversation, grouped
from gateway.conversation.history import ConversationRef, History
from gateway.conversation.memory_store import MemoryStore
from gateway.conversation.snapshot import Snapshot, Summary, digest, encoded
from gateway.engines.route import ServedRoute
from gateway.settings.load import load
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import Turns
from gateway.turns.request import TurnRequest
from gateway.turns.result import ConversationJoined, ConversationKept
from tests.support.server import scripted_engines
from tests.support.streams import read

MESSAGES = (
    llm.Message(role="user", parts=(llm.Text(text="a"), llm.Image(url="https://example.com/a.png"))),
    llm.Message(role="assistant", parts=(llm.ToolCall(call_id="1", name="f", arguments="{}"),)),
    llm.Message(role="tool", parts=(llm.ToolResult(call_id="1", output="x"),)),
    llm.Message(role="assistant", parts=(llm.Text(text="b"), llm.Opaque(route="r", data={"a": [1]}))),
)
WHOLE = Conversation(id="c", opening=(llm.Message(role="system", parts=()),), summary="s", turns=grouped(MESSAGES * 2))
SNAPSHOT = encoded(Snapshot(conversation=WHOLE))
SUMMARY = encoded(Summary(through=1, digest=digest(WHOLE, 1), text="s", usage=None))

DEEP: list[Any] = []
for _ in range(900):
    DEEP = [DEEP]

JUNK: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [None, True, -1, 2**63, 2**64 - 1, math.nan, math.inf, "", "\r\nx: y", "\x00", "c", b"\xff", [], {}, DEEP]
    ),
    st.just(msgspec.msgpack.Ext(3, b"x")),
    st.text(max_size=5),
    st.lists(st.integers(-9, 9), max_size=3),
    st.dictionaries(st.sampled_from(["type", "text", "role", "parts", "id"]), st.just("text"), max_size=3),
)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A value of the store that is broken: another value somewhere in it, other bytes, or none of ours at all."""
    how = draw(st.sampled_from(["value", "byte", "cut", "bytes", "junk"]))
    if how == "bytes":
        return draw(st.binary(max_size=40))
    if how == "junk":
        return msgspec.msgpack.encode(draw(JUNK))
    place = draw(st.integers(0, len(whole) - 1))
    if how == "cut":
        return whole[:place]
    if how == "byte":
        return whole[:place] + draw(st.binary(min_size=1, max_size=1)) + whole[place + 1 :]
    value = msgspec.msgpack.decode(whole)
    holder = value
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or not holder[key] or draw(st.booleans()):
            holder[key] = draw(JUNK)
            return msgspec.msgpack.encode(value)
        holder = holder[key]


async def silence(rate: int) -> bytes:
    return bytes(2 * rate)


async def turns_over(values: dict[str, bytes]) -> None:
    store = MemoryStore(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1)
    for key, value in values.items():
        await store.put(key, value)
    served = ServedRoute(route=load(["--chat_size", "1"], {}).routes[0], engines=scripted_engines())
    turns = Turns(History(store, 100_000), lambda _turn: lambda _outcome: None)

    async def taken(ref: ConversationRef) -> str:
        turn = turns.begin(TurnRequest(caller=ANYONE, audio=silence, conversation=ref), served, Stopwatch())
        events = await read(turn.events())
        (joined,) = [event for event in events if isinstance(event, ConversationJoined)]
        (kept,) = [event for event in events if isinstance(event, ConversationKept)]
        assert joined.conversation_id == kept.conversation_id
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(kept.conversation_id))
        return turn.id

    with suppress(InvalidRequest):  # there is no such answer
        await taken(ConversationRef(previous_response="r"))
    first = await taken(ConversationRef(conversation="c"))
    await taken(ConversationRef(previous_response=first))
    await taken(ConversationRef(conversation="c"))
    prompt = served.engines.llm.requests[-1].messages  # type: ignore[attr-defined]
    assert [message.role for message in prompt[-3:]] == ["user", "assistant", "user"]


@settings(derandomize=True, max_examples=150, deadline=None, database=None)
@given(damaged(SNAPSHOT), st.just(b"r") | st.binary(max_size=10), st.just(SUMMARY) | damaged(SUMMARY))
def test_broken_values_are_as_absent(snapshot: bytes, newest: bytes, summary: bytes) -> None:
    asyncio.run(turns_over({"response:r": snapshot, "newest:c": newest, "summary:c": summary}))


def test_values_that_hold_are_used() -> None:
    asyncio.run(turns_over({"response:r": SNAPSHOT, "newest:c": b"r", "summary:c": SUMMARY}))

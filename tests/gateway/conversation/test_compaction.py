"""Summaries are written behind the scenes: bounded, one for a conversation at once, never in a turn's way."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import msgspec
import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.errors import Unavailable
from gateway.conversation import compaction
from gateway.conversation.compaction import Compaction, Writer
from gateway.conversation.conversation import Conversation, grouped
from gateway.conversation.memory_store import MemoryStore
from gateway.conversation.owned_store import OwnedStore
from gateway.conversation.snapshot import Summary, compacted, decoded
from gateway.tasks import background


def text(role: str, words: str) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=words),))


def talk(turns: int, name: str = "c") -> Conversation:
    messages = [text(role, f"{role} {number}") for number in range(turns) for role in ("user", "assistant")]
    return Conversation(id=name, turns=grouped(messages))


class Works:
    """A compaction with a clock and a store of the test, and the work it started."""

    def __init__(self) -> None:
        self.now = 0.0
        self.store = MemoryStore(ttl_seconds=100, max_bytes=10_000_000, max_waiting=1)
        self.compaction = Compaction(clock=lambda: self.now)
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.create_task(work))

    async def wanted(self, conversation: Conversation, engine: Any, **writer: Any) -> None:
        """Ask for a summary and wait until it is there, or is not."""
        self.compaction.wanted(OwnedStore(self.store, "anyone"), conversation, writer_of(engine, **writer), self.start)
        await asyncio.gather(*self.tasks)

    async def summary(self, name: str = "c") -> Summary | None:
        return decoded(await self.store.get(f"summary:{name}"), Summary)


def writer_of(engine: Any, **fields: Any) -> Writer:
    plain = Writer(engine=engine, model="m", user_role="human", keep=2, context_tokens=None)
    return msgspec.structs.replace(plain, **fields)


async def thoughtful(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    yield llm.ReasoningDelta(text="Secret thoughts.")
    yield llm.TextDelta(text=" A summary. ")
    yield llm.Finished(reason="stop", usage=llm.Usage(input_tokens=9, output_tokens=2))


def asked(engine: Any) -> str:
    (message,) = engine.requests[-1].messages
    return str(message.parts[0].text)


async def test_all_but_the_newest_turns_are_summarised_without_the_thinking() -> None:
    works, engine = Works(), scripted.language_model(thoughtful)
    await works.wanted(talk(5), engine)
    summary = await works.summary()
    assert summary is not None
    assert (summary.through, summary.text) == (3, "A summary.")
    assert summary.usage == llm.Usage(input_tokens=9, output_tokens=2)
    shorter = compacted(talk(6), summary)
    assert shorter is not None
    assert shorter.turns == talk(6).turns[3:]
    request = engine.requests[-1]
    assert request.reasoning.disabled
    assert request.max_output_tokens == compaction.LONGEST_SUMMARY_TOKENS
    assert [message.role for message in request.messages] == ["human"]
    assert "user: user 2\nassistant: assistant 2" in asked(engine)
    assert "user 3" not in asked(engine)


async def test_the_summary_before_and_what_the_model_does_not_see_any_more_go_in() -> None:
    works, engine = Works(), scripted.language_model(thoughtful)
    await works.wanted(msgspec.structs.replace(talk(5), summary="It began.", skipped=4), engine)
    assert "It began." in asked(engine)
    summary = await works.summary()
    assert summary is not None
    assert summary.through == 4


async def test_every_part_is_told_and_the_source_is_bounded() -> None:
    works, engine = Works(), scripted.language_model(thoughtful)
    parts: tuple[llm.Part, ...] = (
        llm.ToolCall(call_id="1", name="clock", arguments="{}"),
        llm.ToolResult(call_id="1", output="noon"),
        llm.Image(url="data:image/png;base64,AAAA"),
        llm.Audio(data=b"xx", format="wav"),
        llm.Opaque(route="r", data={"hidden": 1}),
    )
    turns = grouped((text("user", "x" * 9_000), llm.Message(role="assistant", parts=parts)))
    await works.wanted(Conversation(id="c", turns=(*turns, *talk(2).turns)), engine, context_tokens=2_048)
    source = asked(engine)
    for told in ("called clock with {}", "result: noon", "(a picture)", "(a recording)"):
        assert told in source
    assert "hidden" not in source
    assert "AAAA" not in source
    assert 3_000 < len(source) < 5_000


async def test_a_short_conversation_needs_none() -> None:
    works, engine = Works(), scripted.language_model(thoughtful)
    await works.wanted(talk(2), engine)
    assert engine.opened == 0


async def failing(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    if True:
        raise Unavailable("gone")
    yield


async def wordless(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    yield llm.ReasoningDelta(text="Only thoughts.")
    yield llm.Finished(reason="length", usage=None)


async def broken(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    if True:
        raise ZeroDivisionError
    yield


async def endless(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    while True:
        yield llm.TextDelta(text="On and on. ")


@pytest.mark.parametrize("script", [failing, wordless, broken, endless])
async def test_a_failure_is_followed_by_longer_and_longer_pauses(script: Any) -> None:
    works, engine = Works(), scripted.language_model(script)
    pauses: list[float] = []
    for _ in range(9):
        await works.wanted(talk(5), engine)
        before = works.now
        while engine.opened == len(pauses) + 1:
            works.now += 5
            await works.wanted(talk(5), engine)
        pauses.append(works.now - before)
    assert pauses[:8] == [10, 20, 40, 80, 160, 320, 600, 600]
    assert await works.summary() is None
    engine.script = thoughtful
    works.now += 600
    await works.wanted(talk(5), engine)
    assert await works.summary() is not None
    engine.script = failing
    await works.wanted(talk(5), engine)
    works.now += 10
    opened = engine.opened
    await works.wanted(talk(5), engine)
    assert engine.opened == opened + 1, "a success ends the pauses"


async def test_one_conversation_failing_is_nothing_to_others() -> None:
    works, engine = Works(), scripted.language_model(failing)
    await works.wanted(talk(5), engine)
    await works.wanted(talk(5, "other"), engine)
    assert engine.opened == 2


async def test_one_for_a_conversation_and_few_in_all() -> None:
    held = asyncio.Event()

    async def slow(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        await held.wait()
        async for event in thoughtful(request):
            yield event

    works, engine = Works(), scripted.language_model(slow)
    for name in ("a", "a", "b", "c"):
        works.compaction.wanted(OwnedStore(works.store, "anyone"), talk(5, name), writer_of(engine), works.start)
        await asyncio.sleep(0)
    assert len(works.tasks) == compaction.MOST_AT_ONCE == 2
    held.set()
    await asyncio.gather(*works.tasks)
    await works.wanted(talk(5, "c"), engine)
    assert [await works.summary(name) is not None for name in "abc"] == [True, True, True]


@pytest.mark.parametrize(("max_parallel", "gives_way"), [(1, True), (2, True), (3, False), (None, False)])
async def test_a_model_that_summaries_could_fill_is_left_to_the_turn(max_parallel: int | None, gives_way: bool) -> None:
    async def endless(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        while True:
            yield llm.TextDelta(text="On and on. ")
            await asyncio.sleep(0)

    works = Works()
    engine = scripted.Scripted(llm.Info(max_parallel=max_parallel), endless)
    async with background() as start:
        works.compaction.wanted(OwnedStore(works.store, "anyone"), talk(5), writer_of(engine), start)
        while not engine.open:
            await asyncio.sleep(0)
        works.compaction.give_way(scripted.language_model(endless))
        works.compaction.give_way(engine)
        for _ in range(20):
            await asyncio.sleep(0)
        assert (engine.open == 0) is gives_way
        if gives_way:
            engine.script = thoughtful
            works.compaction.wanted(OwnedStore(works.store, "anyone"), talk(5), writer_of(engine), start)
            while await works.summary() is None:
                await asyncio.sleep(0)


async def test_a_model_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        await asyncio.Event().wait()
        yield llm.TextDelta(text="never")

    monkeypatch.setattr(compaction, "SUMMARY_SECONDS", 0.05)
    works, engine = Works(), scripted.language_model(silent)
    async with asyncio.timeout(5):
        await works.wanted(talk(5), engine)
    assert engine.open == 0
    assert await works.summary() is None

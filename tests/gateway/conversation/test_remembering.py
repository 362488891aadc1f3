"""A turn as a part of its conversation, without HTTP: what it waits for, and what it may not fail at."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from adapters import scripted
from adapters.contract import llm, stt, tts
from adapters.contract.errors import TimedOut, Unavailable
from gateway.conversation.compaction import INSTRUCTION
from gateway.conversation.continuation import Conversations
from gateway.conversation.remembering import Call, Remembering
from gateway.conversation.store import MemoryStore
from gateway.engines import ServedRoute
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.flow import background
from gateway.queued import Queued
from gateway.settings.load import load
from gateway.speech_to_speech import translate
from gateway.speech_to_speech.call import call_of
from gateway.speech_to_speech.schema import SpeechToSpeechRequest
from gateway.telemetry import Stopwatch
from tests.gateway.serving import scripted_engines


class Failing(MemoryStore):
    """A store that keeps nothing once it is told to fail, or that never comes back."""

    def __init__(self, *, hangs: bool = False) -> None:
        super().__init__(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1)
        self.hangs = hangs
        self.failing = False

    async def put(self, key: str, value: bytes) -> None:
        """Keep it, or do not."""
        if self.failing and self.hangs:
            await asyncio.Event().wait()
        if self.failing:
            raise Unavailable("gone")
        await super().put(key, value)


def store() -> MemoryStore:
    return MemoryStore(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1)


def call(*flags: str, model: Any = None, **fields: Any) -> Call:
    engines = scripted_engines(**({} if model is None else {"llm": model}))
    served = ServedRoute(route=load(flags, {}).routes[0], engines=engines)
    history = [{"role": "user", "content": "Hello?"}]
    request = msgspec.convert({"messages": history, **fields}, SpeechToSpeechRequest)
    return call_of(request, translate.turn_of(request, [], served), served)


def turn(kept_in: MemoryStore, asked: Call, max_bytes: int = 100_000) -> Remembering:
    return Remembering(Conversations(kept_in, max_bytes), asked, Stopwatch())


async def test_waiting_for_another_turn_is_a_part_of_the_time_a_turn_may_take() -> None:
    kept_in = store()
    async with kept_in.turn("c"):
        waiting = turn(kept_in, call("--max_turn_seconds", "0.05", conversation="c"))
        with pytest.raises(TimedOut, match="max_turn_seconds"):
            async with asyncio.timeout(10):
                async for _ in waiting.events():
                    raise AssertionError("it is not its turn")
    async with asyncio.timeout(10), kept_in.turn("c"):
        pass  # it does not wait any more


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    kept_in = Failing()
    kept_in.failing = True
    answered = turn(kept_in, call(conversation="c"))
    events = [event async for event in answered.events()]
    assert isinstance(events[-1], AnswerFinished)
    assert not answered.kept
    assert "is not kept" in caplog.text
    too_large = turn(store(), call(conversation="c"), max_bytes=10)
    assert isinstance([event async for event in too_large.events()][-1], AnswerFinished)
    assert not too_large.kept


async def test_a_summary_that_begins_while_a_turn_is_heard_gives_way_to_it() -> None:
    async def script(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        while any(INSTRUCTION in str(message) for message in request.messages):
            yield llm.ReasoningDelta(text="Where to begin?")
            await asyncio.sleep(0)
        yield llm.TextDelta(text="Well.")
        yield llm.Finished(reason="stop", usage=None)

    async def hearing(_request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        for _ in range(2):
            other = asking(scripted.recogniser("Hello?"), "--chat_size", "1", conversation="other")
            assert [event async for event in Remembering(conversations, other, Stopwatch()).events()]
        while not model.open:  # the summary
            await asyncio.sleep(0)
        yield stt.FinalTranscript(text="And now?")
        yield stt.Finished(language="en", seconds=1)

    async def recording() -> AsyncGenerator[bytes, None]:
        yield bytes(32_000)

    def asking(ears: Any, *flags: str, **fields: Any) -> Call:
        plain = call(*flags, model=queued, messages=None, **fields)
        return msgspec.structs.replace(
            plain,
            engines=msgspec.structs.replace(plain.engines, stt=ears, vad=None),
            turn=msgspec.structs.replace(plain.turn, audio=recording()),
        )

    model = scripted.Scripted(llm.Info(max_parallel=1), script)
    queued = Queued("scripted", model, 4)
    conversations = Conversations(store(), 100_000)
    asked = asking(scripted.Scripted(stt.Info(sample_rate=16_000), hearing))
    async with asyncio.timeout(10), background() as start:
        conversations.open(start)
        events = [event async for event in Remembering(conversations, asked, Stopwatch()).events()]
    assert isinstance(events[-1], AnswerFinished)


async def test_a_slow_store_does_not_hold_who_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        while True:
            yield llm.TextDelta(text="On and on. ")
            await asyncio.sleep(0)

    monkeypatch.setattr("gateway.conversation.remembering.KEEPING_SECONDS", 0.05)
    kept_in, model = Failing(hangs=True), scripted.language_model(endless)
    kept_in.failing = True
    interrupted = turn(kept_in, call(conversation="c", model=model))
    async with asyncio.timeout(10):
        async with aclosing(interrupted.events()) as events:
            async for event in events:
                if isinstance(event, tts.AudioChunk):
                    break
        assert model.open == 0
        async with kept_in.turn("c"):
            assert not interrupted.kept

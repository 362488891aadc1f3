"""A model gets as much of a conversation as it can take, and one that refuses gets half as much once more."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.contract.errors import TooLong
from gateway.conversation.conversation import Earlier, grouped
from gateway.conversation.fitting import IMAGE_TOKENS, MESSAGE_BYTES, Context, Fitting, size_of

WORDS = "w" * 84  # 100 bytes with what stands around a message


def text(role: str, words: str = WORDS) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=words),))


def earlier(turns: int, beginning: int = 1, answer: str = WORDS) -> Earlier:
    messages = [text(role, answer) for _ in range(turns) for role in ("user", "assistant")]
    return Earlier(beginning=(text("system"),) * beginning, turns=grouped(messages))


def asked(**fields: Any) -> llm.Request:
    return llm.Request(model="m", messages=(text("user"),), **fields)


async def read(model: Fitting, request: llm.Request) -> list[llm.Event]:
    return [event async for event in model.stream(request)]


def refusing(more_than: int) -> scripted.Scripted[llm.Request, llm.Event, llm.Info]:
    """A model that takes so many messages."""

    async def script(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        if len(request.messages) > more_than:
            raise TooLong("too long")
        yield llm.TextDelta(text="Yes.")
        yield llm.Finished(reason="stop", usage=None)

    return scripted.language_model(script)


async def dropped(context: Context, turns: int = 10, **fields: Any) -> int:
    engine = refusing(100)
    model = Fitting(engine, earlier(turns), context)
    await read(model, asked(**fields))
    request = engine.requests[-1]
    assert len(request.messages) == 2 + 2 * (turns - model.dropped)
    assert (request.messages[0].role, request.messages[-1]) == ("system", text("user"))
    assert model.size == sum(map(size_of, request.messages)) == 100 * len(request.messages)
    return model.dropped


async def test_without_a_known_context_everything_is_sent() -> None:
    assert await dropped(Context(tokens=None), turns=40) == 0


async def test_the_oldest_turns_are_left_out_before_the_context_is_full() -> None:
    # 22 messages of 100 bytes are 2,200; the answer keeps 200 tokens free.
    assert await dropped(Context(tokens=2_400, bytes_per_token=1.0), max_output_tokens=200) == 0
    # 2,199 are too many: then three quarters are filled, 1,649.
    assert await dropped(Context(tokens=2_399, bytes_per_token=1.0), max_output_tokens=200) == 3
    assert await dropped(Context(tokens=600, bytes_per_token=4.0), max_output_tokens=50) == 0, "tokens are longer"
    assert await dropped(Context(tokens=256, bytes_per_token=1.0)) == 10, "the question alone is too much: it is asked"


async def test_an_answer_without_a_bound_gets_a_share_and_no_bound_takes_all() -> None:
    assert await dropped(Context(tokens=3_000, bytes_per_token=1.0)) == 0
    assert await dropped(Context(tokens=2_900, bytes_per_token=1.0)) == 3
    assert await dropped(Context(tokens=8_800, bytes_per_token=1.0), max_output_tokens=100_000) == 0


async def test_pictures_tools_and_what_a_script_weighs_count() -> None:
    picture = llm.Message(role="user", parts=(llm.Image(url="https://example.com/a.png"),))
    model = Fitting(
        refusing(9),
        Earlier(turns=grouped((picture, text("assistant"), text("user"), text("assistant")))),
        Context(tokens=IMAGE_TOKENS + 100, bytes_per_token=1.0),
    )
    await read(model, asked())
    assert model.dropped == 1
    shown = Fitting(refusing(9), Earlier(turns=grouped((picture, text("assistant")))), Context(tokens=None))
    await read(shown, asked())
    assert shown.size == 0, "what a picture costs says nothing of text"
    assert size_of(text("user", "世界")) == 6 + MESSAGE_BYTES
    bare = Fitting(refusing(9), earlier(1), Context(tokens=None))
    await read(bare, asked())
    tooled = Fitting(refusing(9), earlier(1), Context(tokens=None))
    await read(tooled, asked(tools=(llm.Tool(name="f", description="d" * 1_000),)))
    assert tooled.size > bare.size + 1_000


async def test_a_model_that_refuses_is_asked_once_more_with_half(caplog: pytest.LogCaptureFixture) -> None:
    engine = refusing(2 + 10)
    model = Fitting(engine, earlier(10), Context(tokens=None))
    events = await read(model, asked())
    assert [type(event) for event in events] == [Started, llm.TextDelta, llm.Finished]
    assert [len(request.messages) for request in engine.requests] == [22, 12]
    assert model.dropped == 5
    assert "5 turns are left out" in caplog.text


async def test_it_is_asked_once_more_only() -> None:
    engine = refusing(4)
    with pytest.raises(TooLong):
        await read(Fitting(engine, earlier(10), Context(tokens=None)), asked())
    assert engine.opened == 2
    assert engine.open == 0


async def test_a_question_that_is_too_long_alone_is_refused_at_once() -> None:
    engine = refusing(1)
    with pytest.raises(TooLong):
        await read(Fitting(engine, earlier(0), Context(tokens=None)), asked())
    assert engine.opened == 1


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="I")
        raise TooLong("now")

    engine = scripted.language_model(script)
    with pytest.raises(TooLong):
        await read(Fitting(engine, earlier(4), Context(tokens=None)), asked())
    assert engine.opened == 1


async def test_closing_it_closes_the_engine() -> None:
    engine = refusing(100)
    stream = Fitting(engine, earlier(1), Context(tokens=None)).stream(asked())
    await anext(stream)
    assert engine.open == 1
    await stream.aclose()
    assert engine.open == 0

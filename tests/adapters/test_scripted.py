"""Engines that play a script keep the contract and count their streams."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from adapters import scripted
from adapters.contract import llm, tts
from adapters.contract.checks import llm_grammar, read, tts_grammar
from adapters.contract.engine import Started

REQUEST = llm.Request(model="m", messages=())


async def test_a_script_is_played_after_started_and_counted() -> None:
    engine = scripted.language_model(scripted.answering("one ", "two"))
    events = await read(engine.stream(REQUEST))
    llm_grammar(events)
    assert [event.text for event in events if isinstance(event, llm.TextDelta)] == ["one ", "two"]
    assert (engine.open, engine.opened, list(engine.requests)) == (0, 1, [REQUEST])


async def test_closing_early_closes_the_script() -> None:
    closed = []

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        try:
            yield llm.TextDelta(text="a")
        finally:
            closed.append(True)

    engine = scripted.language_model(script)
    async with aclosing(engine.stream(REQUEST)) as stream:
        assert await anext(stream) == Started()
        assert await anext(stream) == llm.TextDelta(text="a")
        assert engine.open == 1
    assert (closed, engine.open) == ([True], 0)


async def test_a_voice_sounds_as_long_as_its_text() -> None:
    engine = scripted.synthesiser(scripted.ToneVoice(sample_rate=8000, seconds_per_character=0.08))
    events = await read(engine.stream(tts.Request(text="abc")))
    tts_grammar(events)
    assert events[-1] == tts.Finished(seconds=0.24, characters=3)
    assert {len(event.pcm) for event in events if isinstance(event, tts.AudioChunk)} == {2 * 320}

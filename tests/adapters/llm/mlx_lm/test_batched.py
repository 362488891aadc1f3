"""Many answers at once: they do not mix, and no reader holds up the others."""

import asyncio
from contextlib import aclosing
from pathlib import Path

from adapters.contract import llm
from adapters.contract.engine import Started
from tests.models.training_data import CAPITAL, FOREVER, answer_to
from tests.support.answers import (
    answer,
    open_answers,
    request,
    text_of,
    usage_of,
)
from tests.support.mlx_engine import loaded

STORY = "tell me a story"


GREETING = "greet the world"


async def test_many_callers_never_mix(tiny_qwen: Path) -> None:
    questions = [CAPITAL, STORY, GREETING, "my name is Ada", "my name is Bob"] * 4
    for parallel in (3, 1):  # more callers than places, as when the gateway did not queue them
        async with loaded(tiny_qwen, llm_max_parallel=parallel) as engine:
            answers = await asyncio.gather(*(answer(engine, request(question)) for question in questions))
            assert [text_of(events) for events in answers] == [answer_to(question) for question in questions]
            assert open_answers(engine) == 0


async def test_a_reader_that_leaves_frees_its_place_and_the_others_go_on(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen, llm_max_parallel=2) as engine:
        endless = request(FOREVER, max_output_tokens=4000)
        async with aclosing(engine.stream(endless)) as leaving, aclosing(engine.stream(endless)) as staying:
            for stream in (leaving, staying):
                assert isinstance(await anext(stream), Started)
                assert isinstance(await anext(stream), llm.TextDelta)
            await leaving.aclose()
            assert open_answers(engine) == 1
            assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)
            assert isinstance(await anext(staying), llm.TextDelta)
            assert open_answers(engine) == 1
        assert open_answers(engine) == 0


async def test_a_reader_that_does_not_read_holds_nobody_up(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen) as engine, aclosing(engine.stream(request(FOREVER, max_output_tokens=300))) as slow:
        await anext(slow)
        await anext(slow)
        assert text_of(await answer(engine, request(STORY))) == answer_to(STORY)
        events = [event async for event in slow]
        assert usage_of(events).output_tokens == 300

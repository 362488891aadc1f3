"""The generation parameters reach mlx-lm's sampler, each caller's its own."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from tests.models.training_data import CAPITAL, FOREVER, answer_to
from tests.support.answers import answer, end_of, request, text_of, usage_of
from tests.support.mlx_engine import loaded

WILD = llm.Sampling(temperature=50.0)


def wild(**fields: Any) -> llm.Request:
    return request(CAPITAL, max_output_tokens=12, sampling=llm.Sampling(**{"temperature": 50.0} | fields))


async def test_temperature_samples_and_none_is_greedy(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen) as engine:
        assert len({text_of(await answer(engine, wild())) for _ in range(3)}) == 3
        assert text_of(await answer(engine, wild(temperature=0.0))) == answer_to(CAPITAL)
        assert text_of(await answer(engine, wild(temperature=None))) == answer_to(CAPITAL)


@pytest.mark.parametrize("narrow", [{"top_k": 1}, {"top_p": 0.001}, {"min_p": 1.0}])
async def test_what_narrows_the_choice_is_honoured(tiny_qwen: Path, narrow: dict[str, Any]) -> None:
    # Hot enough for a wild answer, were the choice not narrowed before.
    async with loaded(tiny_qwen, llm_gen=narrow | {"temperature": 5.0}) as engine:
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_as_many_as_there_are_is_no_limit(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen, llm_gen={"top_k": 100_000}) as engine:
        assert end_of(await answer(engine, wild())).reason


async def test_a_seed_repeats_an_answer_whoever_else_is_answered(tiny_qwen: Path) -> None:
    for parallel in (4, 1):
        async with loaded(tiny_qwen, llm_max_parallel=parallel) as engine:
            alone = text_of(await answer(engine, wild(seed=7)))
            again, other, chance, luck = await asyncio.gather(
                *(answer(engine, asked) for asked in (wild(seed=7), wild(seed=8), wild(), wild()))
            )
            assert text_of(again) == alone
            assert len({alone, *map(text_of, (other, chance, luck))}) == 4


async def test_callers_keep_their_own_parameters_in_one_batch(tiny_qwen: Path) -> None:
    asked = (request(CAPITAL), wild(), request(FOREVER, max_output_tokens=3))
    async with loaded(tiny_qwen) as engine:
        exact, _, short = await asyncio.gather(*(answer(engine, one) for one in asked))
        assert text_of(exact) == answer_to(CAPITAL)
        assert usage_of(short).output_tokens == 3


async def test_an_answer_is_at_least_as_long_as_is_wanted(tiny_qwen: Path) -> None:
    for parallel in (4, 1):
        async with loaded(tiny_qwen, llm_max_parallel=parallel, llm_gen={"min_new_tokens": 30}) as engine:
            for _ in range(2):  # the second time the prompt is not read again
                events = await answer(engine, request(CAPITAL, max_output_tokens=40))
                assert 30 < usage_of(events).output_tokens <= 40
                assert text_of(events).startswith(answer_to(CAPITAL))


async def test_penalties_and_biases_change_the_answer(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen) as engine:
        for sampling in (llm.Sampling(frequency_penalty=90.0), llm.Sampling(presence_penalty=90.0)):
            events = await answer(engine, request(FOREVER, max_output_tokens=40, sampling=sampling))
            assert events[0].ignored == ()
            assert not answer_to(FOREVER).startswith(text_of(events))
    async with loaded(tiny_qwen, llm_gen={"logit_bias": {"2": 1000.0, "999999": 1.0}}) as engine:
        assert text_of(await answer(engine, request(CAPITAL))) == ""
    async with loaded(tiny_qwen, llm_gen={"repetition_penalty": 50.0}) as engine:
        assert not answer_to(FOREVER).startswith(text_of(await answer(engine, request(FOREVER, max_output_tokens=40))))


async def test_a_parameter_of_a_request_that_cannot_be_is_refused(tiny_qwen: Path) -> None:
    async with loaded(tiny_qwen) as engine:
        with pytest.raises(InvalidRequest, match="top_p"):
            await answer(engine, request(CAPITAL, sampling=llm.Sampling(top_p=3.0)))

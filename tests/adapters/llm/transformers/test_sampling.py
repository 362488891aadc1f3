"""The generation parameters do what they say, together and one at a time."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.contract import llm
from adapters.llm.transformers.adapter import TransformersLanguageModel
from adapters.llm.transformers.sampling import Penalties
from tests.models.training_data import CAPITAL, answer_to
from tests.support.answers import answer, end_of, request, text_of, usage_of
from tests.support.transformers_engine import loaded

WAYS = pytest.mark.parametrize("parallel", [8, 1], ids=["together", "alone"])


@pytest.fixture(params=[8, 1], ids=["together", "alone"])
async def engine(request: pytest.FixtureRequest, tiny_llama: Path) -> AsyncGenerator[TransformersLanguageModel, None]:
    async with loaded(tiny_llama, llm_max_parallel=request.param) as engine:
        yield engine


def hello(**sampling: Any) -> llm.Request:
    return request("hello", max_output_tokens=20, sampling=llm.Sampling(**sampling))


async def test_a_seed_makes_sampling_repeatable(engine: TransformersLanguageModel) -> None:
    first, again, other = [text_of(await answer(engine, hello(temperature=1.5, seed=seed))) for seed in (1, 1, 2)]
    assert first == again != other


async def test_both_ways_write_the_same(tiny_llama: Path) -> None:
    asked = [hello(), hello(temperature=1.5, seed=1), hello(frequency_penalty=2.0, presence_penalty=1.0)]
    written = []
    for parallel in (8, 1):
        async with loaded(tiny_llama, llm_max_parallel=parallel, llm_gen={"repetition_penalty": 1.3}) as engine:
            written.append([text_of(await answer(engine, one)) for one in asked])
    assert written[0] == written[1]


async def test_temperature_zero_takes_the_likeliest(tiny_llama: Path) -> None:
    async with loaded(tiny_llama, llm_gen={"temperature": 2.0, "do_sample": True}) as engine:
        drawn = {text_of(await answer(engine, hello())) for _ in range(3)}
        likeliest = {text_of(await answer(engine, hello(temperature=0.0))) for _ in range(3)}
    assert len(drawn) > 1
    assert len(likeliest) == 1


@WAYS
async def test_the_least_number_of_tokens_is_kept(tiny_qwen: Path, parallel: int) -> None:
    async with loaded(tiny_qwen, llm_gen={"min_new_tokens": 30}, llm_max_parallel=parallel) as engine:
        events = await answer(engine, request(CAPITAL, max_output_tokens=50))
    assert usage_of(events).output_tokens >= 30


@WAYS
async def test_further_parameters_reach_the_choice(tiny_qwen: Path, parallel: int) -> None:
    settings = {"suppress_tokens": [7], "top_k": 1, "do_sample": True, "temperature": 5.0, "max_new_tokens": 4}
    async with loaded(tiny_qwen, llm_gen=settings, llm_max_parallel=parallel) as engine:
        events = await answer(engine, request(CAPITAL))
    assert answer_to(CAPITAL).startswith(text_of(events))  # hot, but of one candidate
    assert end_of(events).reason == "length"


async def test_penalties_count_what_was_said_and_not_what_was_asked() -> None:
    tokens, scores = torch.tensor([[3, 3, 1, 1, 2]]), torch.zeros(1, 5)
    penalised = Penalties({"frequency_penalty": 0.5, "presence_penalty": 1.0}, prompt_tokens=2)(tokens, scores)
    assert penalised.tolist() == [[0.0, -2.0, -1.5, 0.0, 0.0]]
    assert not scores.any()

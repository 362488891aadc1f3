"""Every answer of a batch is sampled by its own parameters."""

import asyncio
from pathlib import Path
from typing import Any

import torch

from adapters.contract import llm
from adapters.contract.errors import UpstreamError
from tests.support.answers import (
    answer,
    request,
    text_of,
)
from tests.support.transformers_engine import loaded, loaded_by


def hello(**sampling: Any) -> llm.Request:
    return request("hello", max_output_tokens=20, sampling=llm.Sampling(**sampling))


async def test_callers_with_their_own_sampling_do_not_disturb_each_other(tiny_llama: Path) -> None:
    asked = [hello(), hello(temperature=1.5, seed=1), hello(temperature=1.5, seed=2), hello(frequency_penalty=2.0)]
    async with loaded(tiny_llama) as engine:
        alone = [text_of(await answer(engine, one)) for one in asked]
        together = [text_of(events) for events in await asyncio.gather(*(answer(engine, one) for one in asked))]
    assert together == alone
    assert len(set(alone)) == 4


async def test_what_fails_in_one_choice_ends_only_that_answer(tiny_llama: Path) -> None:
    async with loaded(tiny_llama) as engine:
        model = loaded_by(engine).model
        makers = model._get_logits_processor

        def broken(generation_config: Any, **others: Any) -> Any:
            made = makers(generation_config, **others)
            if generation_config.do_sample:
                made.append(lambda _tokens, scores: scores * torch.nan)
            return made

        model._get_logits_processor = broken
        good, bad, also_good = await asyncio.gather(
            *(answer(engine, one) for one in (hello(), hello(temperature=1.0), hello())), return_exceptions=True
        )
    assert isinstance(bad, UpstreamError)
    assert "not finite" in bad.message
    assert not isinstance(good, BaseException)
    assert not isinstance(also_good, BaseException)
    assert text_of(good) == text_of(also_good)

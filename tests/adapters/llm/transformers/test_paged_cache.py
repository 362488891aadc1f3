"""The cache takes a bounded part of the memory, and more answers than fit take turns."""

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.llm.loaded_model import LoadedModel
from adapters.llm.local_options import TransformersOptions
from tests.models.training_data import CAPITAL, FOREVER, answer_to
from tests.support.answers import (
    answer,
    request,
    text_of,
    usage_of,
)
from tests.support.device import DEVICE
from tests.support.transformers_engine import loaded

torch = pytest.importorskip("torch", reason="needs torch")
AutoConfig = pytest.importorskip("transformers", reason="needs transformers").AutoConfig
memory = pytest.importorskip("adapters.llm.transformers.memory", reason="needs torch and psutil")
paged_cache = pytest.importorskip("adapters.llm.transformers.paged_cache", reason="needs torch")


only_on_the_host = pytest.mark.skipif(
    DEVICE != "cpu", reason="goes without: the library checks the memory of a GPU itself"
)

TOKEN = 2 * 2 * 2 * 16 * 4  # bytes of the tiny Qwen3: keys and values, layers, heads, numbers of a head, float32


@only_on_the_host
@pytest.mark.parametrize(("free", "parallel", "room"), [(2 * 4096 * TOKEN, 8, 4096), (4096 * TOKEN, 1, 4096)])
async def test_half_of_what_is_free_is_taken_and_less_than_a_conversation_is_none(
    tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch, free: int, parallel: int, room: int
) -> None:
    monkeypatch.setattr(memory, "available", lambda _device: free)
    async with loaded(tiny_qwen, llm_torch_dtype="float32") as engine:
        assert engine.info.max_parallel == parallel
        assert engine.info.context_tokens == room
        assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)


async def test_more_than_the_cache_holds_is_written_in_turns(tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(paged_cache, "CONVERSATION_TOKENS", 64)  # 512 tokens for 4 answers of 236
    async with loaded(tiny_qwen, llm_max_parallel=4, llm_prefix_cache=0) as engine:
        assert engine.info.context_tokens == 512
        answers = await asyncio.gather(*(answer(engine, request(FOREVER, max_output_tokens=200)) for _ in range(4)))
        assert len({text_of(events) for events in answers}) == 1
        assert [usage_of(events).output_tokens for events in answers] == [200] * 4


@pytest.mark.parametrize(("place", "tokens"), [("cpu", 512), ("cuda", 2048), ("mps", 2048)])
async def test_a_gpu_takes_more_of_a_prompt_at_once(
    tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch, place: str, tokens: int
) -> None:
    config = config_for(place, tiny_qwen, monkeypatch)
    assert config.max_batch_tokens == tokens


@only_on_the_host
async def test_too_little_memory_is_told_with_its_size(
    tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(memory, "available", lambda _device: 500_000_000)
    monkeypatch.setattr(paged_cache, "find_head_dim", lambda _config: 40_000)
    with caplog.at_level(logging.INFO, logger="adapters"):
        async with loaded(tiny_qwen, llm_torch_dtype="float32") as engine:
            assert engine.info.max_parallel == 1
    assert "one answer at a time: 0.5 GB of memory are free, and at least 10.5 GB are needed" in caplog.text


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError("footprint")])
async def test_a_device_without_room_for_a_conversation_is_told_with_its_size(
    tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    tried: list[int] = []

    def create(_loaded: Any, _options: Any, _hook: Any, _outputs: Any, pages: int) -> Any:
        tried.append(pages)
        raise error

    monkeypatch.setattr(paged_cache, "_create", create)
    monkeypatch.setattr(memory, "available", lambda _device: 500_000_000)
    with caplog.at_level(logging.INFO, logger="adapters"):
        async with loaded(tiny_qwen) as engine:
            assert engine.info.max_parallel == 1
            assert text_of(await answer(engine, request(CAPITAL))) == answer_to(CAPITAL)
    assert tried == sorted(tried, reverse=True)
    assert tried[-1] * paged_cache.PAGE_TOKENS <= 4096 < tried[-2] * paged_cache.PAGE_TOKENS
    assert "0.5 GB of memory are free, and at least 0.0 GB are needed to cache a conversation of 4096" in caplog.text


async def test_memory_that_runs_out_while_it_is_tried_is_no_fault_of_the_model(
    tiny_qwen: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def check(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr("adapters.llm.transformers.batched.ContinuousBatch.check", check)
    with caplog.at_level(logging.INFO, logger="adapters"):
        async with loaded(tiny_qwen) as engine:
            assert engine.info.max_parallel == 1
    assert "there was not enough memory to try continuous batching; " in caplog.text


def config_for(place: str, model: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """How the library is configured for a model on the device ``place``."""
    made: list[Any] = []

    def initialised(**arguments: Any) -> Any:
        made.append(arguments["continuous_batching_config"])
        raise MemoryError

    there = SimpleNamespace(
        device=torch.device(place),
        dtype=torch.float32,
        config=AutoConfig.from_pretrained(model),
        init_continuous_batching=initialised,
    )
    recommended = LoadedModel(model=there, tokenizer=None, template="", context_tokens=4096, recommended=None, ends=())
    monkeypatch.setattr(memory, "available", lambda _device: 10**10)
    with pytest.raises(paged_cache.TooLittleMemory):
        paged_cache.batch_processor(recommended, TransformersOptions(), None, paged_cache.StepOutputs())
    return made[0]

"""What a prompt may be: its length, and what the chat template takes."""

from pathlib import Path

import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, TooLong, Unsupported
from adapters.llm.transformers.adapter import TransformersLanguageModel
from tests.models import tiny_random
from tests.support.answers import SWITCH, answer, request
from tests.support.transformers_engine import loaded


async def test_a_prompt_past_the_context_is_too_long(engine: TransformersLanguageModel) -> None:
    with pytest.raises(TooLong, match=r"\d{4,} tokens.*4096") as seen:
        await answer(engine, request("tell me a story " * 1500))
    assert seen.value.code == "context_length_exceeded"


async def test_an_answer_ends_where_the_context_does(tiny_llama: Path) -> None:
    for parallel in (8, 1):
        async with loaded(tiny_llama, llm_max_parallel=parallel) as engine:
            events = await answer(engine, request("hello", max_output_tokens=1000, sampling=llm.Sampling(stop=None)))
            usage = events[-1].usage
            assert usage.input_tokens + usage.output_tokens <= tiny_random.CONTEXT
            assert events[-1].reason in ("length", "stop")


async def test_a_template_that_refuses_makes_an_invalid_request(tmp_path: Path) -> None:
    template = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role here') }}{% endif %}[assistant]"
    tiny_random.build_llama(tmp_path, template=template)
    async with loaded(tmp_path) as engine:
        with pytest.raises(InvalidRequest, match="no system role here"):
            await answer(engine, request("hello"))
        user = llm.Message(role="user", parts=(llm.Text(text="hello"),))
        await answer(engine, llm.Request(model="m", messages=(user,), max_output_tokens=3))


async def test_tools_need_a_template_that_takes_them(tiny_llama: Path) -> None:
    async with loaded(tiny_llama) as engine:
        assert not engine.info.tools
        with pytest.raises(Unsupported, match="takes no tools"):
            await answer(engine, request("hello", tools=(SWITCH,)))
